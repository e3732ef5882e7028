import { useRef, useState } from 'preact/hooks'

const shownMs = 1_500

/** Text that people paste elsewhere. */
export function Copied ({ text, label }: { readonly text: string, readonly label: string }) {
  const [said, say] = useState('Copy')
  const code = useRef<HTMLElement>(null)

  async function copy (): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      say('Copied')
    } catch {
      // Without TLS a browser has no clipboard: the text is selected for the keyboard.
      getSelection()?.selectAllChildren(code.current as HTMLElement)
      say('Ctrl+C')
    }
    setTimeout(() => say('Copy'), shownMs)
  }

  return (
    <div class='copied'>
      <code ref={code} tabIndex={0} aria-label={label}>{text}</code>
      <button type='button' onClick={copy} aria-label={`${said} ${label}`} aria-live='polite'>{said}</button>
    </div>
  )
}
