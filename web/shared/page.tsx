import { type ComponentChildren, render } from 'preact'
import icon from './icon.svg'
import './style.css'

/** The pages, as their files are named. The landing page is where the server is. */
const pages = [
  ['.', 'Home'], ['./demo', 'Demo'], ['./test', 'Test'], ['./console', 'Console'], ['./docs', 'API']
] as const

interface PageProps {
  /** The page's address in `pages`. */
  readonly at: (typeof pages)[number][0]
  readonly children: ComponentChildren
}

/** What every page has around its content. */
export function Page ({ at, children }: PageProps) {
  return (
    <>
      <header class='top'>
        <div class='frame'>
          <a class='brand' href='.'><img src={icon} alt='' />Signalbox</a>
          <nav aria-label='Pages'>
            {pages.map(([href, name]) => <a key={href} href={href} aria-current={href === at ? 'page' : undefined}>{name}</a>)}
          </nav>
        </div>
      </header>
      <main class='frame'>{children}</main>
    </>
  )
}

/** Shows a page in its document. */
export function show (page: ComponentChildren): void {
  render(page, document.getElementById('page') as HTMLElement)
}
