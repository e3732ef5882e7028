import type { FastifyInstance } from 'fastify'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Test } from 'tap'
import { urlOf } from '../helper.js'

export interface Browsing extends Pick<BrowserContextOptions, 'colorScheme' | 'viewport' | 'permissions'> {
  /** What the page is expected to log as an error, such as a request that is refused. */
  readonly expected?: RegExp
}

/** A page of a server in a browser context of its own. The test fails for an error on the console, and for a request to elsewhere. */
export async function browse (
  t: Test,
  browser: Browser,
  server: FastifyInstance | string,
  path: string,
  { expected, ...options }: Browsing = {}
): Promise<Page> {
  const { origin } = new URL(typeof server === 'string' ? server : urlOf(server))
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
  t.teardown(async () => await context.close())
  const page = await context.newPage()
  page.on('pageerror', (error) => t.fail(`${path} threw: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' && expected?.test(message.text()) !== true) t.fail(`${path} logged: ${message.text()}`)
  })
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== origin) t.fail(`${path} asked ${url.href}`)
  })
  await page.goto(origin + path)
  return page
}

/** Fails for what people with disabilities cannot use, such as a button without a name, or text of too little contrast. */
export async function isAccessible (t: Test, page: Page): Promise<void> {
  // Not a script element, which the page's Content-Security-Policy would refuse.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(async () => await (globalThis as unknown as { axe: typeof axe }).axe.run())
  const found = violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  t.same(found, [], `${page.url()} is accessible`)
}

/** Fails for a page that is wider than its window. */
export async function fits (t: Test, page: Page): Promise<void> {
  const { content, window } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return { content: scrollWidth, window: clientWidth }
  })
  t.ok(content <= window, `${page.url()} is ${content} wide in a window of ${window}`)
}
