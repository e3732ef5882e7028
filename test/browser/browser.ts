import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build as bundle } from 'esbuild'
import fastify from 'fastify'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { chromiumPath, chromiumSwitches } from '../../scripts/chromium.js'

/** Opens a page in a browser context of its own, with the exports of a script of `pages/` as the global `client`. */
export type Open = (t: Test, script: string) => Promise<Page>

/** Starts Chromium and an HTTP server for its pages, whose origin differs from the signaling server's. Both end with the test. */
export async function launch (t: Test): Promise<Open> {
  const origin = await servePage(t)
  const browser = await startChromium(t)
  return async (t, script) => {
    // Tests make their own certificates.
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    t.teardown(async () => await context.close())
    const page = await context.newPage()
    page.on('pageerror', (error) => t.fail(`${script} threw: ${error.message}`))
    page.on('console', (message) => { if (message.type() === 'error') t.fail(`${script} logged: ${message.text()}`) })
    await page.goto(origin)
    await page.addScriptTag({ content: await bundled(script) })
    return page
  }
}

/** The origin of an empty page, which is there until the test ends. */
export async function servePage (t: Test): Promise<string> {
  const pages = fastify({ forceCloseConnections: true })
  pages.get('/', async (_request, reply) => await reply
    .type('text/html')
    .send('<!doctype html><title>client</title><link rel="icon" href="data:,">'))
  t.teardown(async () => await pages.close())
  await pages.listen({ port: 0, host: '127.0.0.1' })
  return `http://127.0.0.1:${(pages.server.address() as AddressInfo).port}`
}

/** Chromium itself, with further `switches`, for pages that come from elsewhere. It ends with the test. */
export async function startChromium (t: Test, ...switches: string[]): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: [...chromiumSwitches, ...switches] })
  t.teardown(async () => await browser.close())
  return browser
}

async function bundled (script: string): Promise<string> {
  const entry = fileURLToPath(new URL(`pages/${script}`, import.meta.url))
  const { outputFiles } = await bundle({ entryPoints: [entry], bundle: true, write: false, format: 'iife', globalName: 'client' })
  return outputFiles.map(({ text }) => text).join('')
}
