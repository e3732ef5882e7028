import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/index.js'
import { startChromium } from '../browser/browser.js'
import { build, urlOf } from '../helper.js'
import { browse, fits, isAccessible } from './browse.js'

const html = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

t.test('a browser gets the landing page at /, and everybody else what the original answers', async (t) => {
  const app = await build(t)
  const page = await fetch(urlOf(app), { headers: html })
  t.match(page.headers.get('content-type'), /text\/html/)
  t.match(page.headers.get('content-security-policy'), /script-src 'self';/)
  t.notMatch(page.headers.get('content-security-policy'), /unsafe/)
  t.equal(page.headers.get('vary'), 'Accept')
  const banner = await fetch(urlOf(app))
  t.equal(((await banner.json()) as { name: string }).name, 'PeerJS Server')
  t.equal(banner.headers.get('vary'), 'Accept')
})

t.test('without the peerjs dialect there is a page at /, and no banner', async (t) => {
  const app = await build(t, { DIALECTS: 'tom' })
  t.equal((await fetch(urlOf(app), { headers: html })).status, 200)
  t.equal((await fetch(urlOf(app))).status, 404)
})

t.test('WEB=false turns the pages off', async (t) => {
  const app = await build(t, { WEB: 'false' })
  t.match((await fetch(urlOf(app), { headers: html })).headers.get('content-type'), /application\/json/)
  for (const path of ['/docs', '/test', '/assets/index.js']) t.equal((await fetch(urlOf(app) + path, { headers: html })).status, 404)
})

t.test('a file outside of the pages is not to be had', async (t) => {
  const app = await build(t)
  for (const path of ['..%2findex.html', '..%2f..%2fsrc%2fserver.js', '%2fetc%2fpasswd', '']) {
    const { status } = await fetch(`${urlOf(app)}/assets/${path}`)
    t.ok([403, 404].includes(status), `${path}: ${status}`)
  }
})

t.test('in an app of its own without a prefix there are no pages, whose paths could be taken', async (t) => {
  const app = await embedded(t, '')
  t.equal((await fetch(`${urlOf(app)}/docs`)).status, 404)
})

t.test('in a browser', async (t) => {
  const browser = await startChromium(t)

  t.test('the landing page says what runs here, and gives each client’s URL to copy', async (t) => {
    const app = await build(t, { DIALECTS: 'peerjs,rooms,whip', TURN_URLS: 'turn:turn.example:3478', TURN_SECRET: 's'.repeat(32) })
    const page = await browse(t, browser, app, '/', {
      viewport: { width: 360, height: 700 },
      permissions: ['clipboard-read', 'clipboard-write']
    })
    const { port } = new URL(urlOf(app))
    await page.getByRole('button', { name: 'Copy the code of a PeerJS client' }).click()
    t.equal(
      await page.evaluate(async () => await navigator.clipboard.readText()),
      `new Peer('alice', { host: '127.0.0.1', port: ${port}, path: '/', secure: false })`
    )
    await page.getByRole('button', { name: 'Copy the URL of a 4-digit rooms client' }).click()
    t.equal(await page.evaluate(async () => await navigator.clipboard.readText()), `ws://127.0.0.1:${port}/rooms`)
    await page.getByRole('button', { name: 'Copy the URL of a WHIP client' }).click()
    t.equal(await page.evaluate(async () => await navigator.clipboard.readText()), `http://127.0.0.1:${port}/whip/peerjs:alice`)
    await page.getByText('TURN', { exact: true }).waitFor()
    t.equal(await page.getByRole('article').count(), 3)
    await fits(t, page)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await isAccessible(t, page)
    }
  })

  t.test('in an app of its own it is below the prefix, with the addresses of its clients', async (t) => {
    const app = await embedded(t, '/deep/signal')
    const page = await browse(t, browser, app, '/deep/signal')
    await page.getByText(`ws://127.0.0.1:${new URL(urlOf(app)).port}/deep/signal/tom`).waitFor()
  })

  t.test('/docs shows the REST endpoints', async (t) => {
    const page = await browse(t, browser, await build(t), '/docs')
    await page.getByText('/ice-servers').first().waitFor()
  })
})

t.test('a page loads what it needs where its origin may not connect', async (t) => {
  const app = await build(t, { ALLOWED_ORIGINS: 'https://elsewhere.test' })
  const html = await (await fetch(`${urlOf(app)}/test`)).text()
  const [asset] = /assets\/[^"]+\.js/.exec(html) ?? []
  for (const [path, status] of [[`/${asset}`, 200], ['/info', 403]] as const) {
    t.equal((await fetch(urlOf(app) + path, { headers: { origin: urlOf(app) } })).status, status, path)
  }
})

async function embedded (t: Test, prefix: string): Promise<FastifyInstance> {
  const app = fastify({ forceCloseConnections: true })
  app.register(signalbox, { prefix })
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}
