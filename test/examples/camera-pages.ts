import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import type { BrowserContext, Page } from 'playwright-core'
import type { Test } from 'tap'
import { startChromium } from '../browser/browser.js'

export const folder = new URL('../../examples/camera/', import.meta.url)
const peerjs = new URL('../../node_modules/peerjs/dist/peerjs.min.js', import.meta.url)

/** Opens the example's pages, as they are, in one Chromium. */
export async function cameraPages (t: Test): Promise<(t: Test, path: string) => Promise<Page>> {
  const [origin, browser] = [await serveFolder(t), await startChromium(t)]
  const context: BrowserContext = await browser.newContext()
  // The tests have no network of their own.
  await context.route('https://unpkg.com/**', async (route) => await route.fulfill({ body: await readFile(peerjs, 'utf8') }))
  return async (t, path) => {
    const page = await context.newPage()
    t.teardown(async () => await page.close())
    page.on('pageerror', (error) => t.fail(error.message))
    await page.goto(`${origin}/${path}`)
    return page
  }
}

/** The origin of the example's folder. */
async function serveFolder (t: Test): Promise<string> {
  const files = fastify({ forceCloseConnections: true })
  files.get<{ Params: { file: string } }>('/:file', async ({ params: { file } }, reply) =>
    await reply.type('text/html').send(await readFile(new URL(file, folder), 'utf8')))
  t.teardown(async () => await files.close())
  await files.listen({ port: 0, host: '127.0.0.1' })
  return `http://127.0.0.1:${(files.server.address() as AddressInfo).port}`
}

/** Waits until a page's video has shown so many pictures, and says how many those were. */
export async function pictures (page: Page, wanted: number): Promise<number> {
  return await page.evaluate(async (wanted) => {
    const video = document.querySelector('video') as HTMLVideoElement
    let shown = 0
    for (; shown < wanted; shown++) await new Promise((resolve) => { video.requestVideoFrameCallback(resolve) })
    return shown
  }, wanted)
}
