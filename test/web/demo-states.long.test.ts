import fastify from 'fastify'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { startChromium } from '../browser/browser.js'
import { signalbox } from '../../src/index.js'
import { build } from '../helper.js'
import { browse, isAccessible } from './browse.js'
import { call, linkOf, say, stateIs, titles } from './demo-pages.js'

const browser = await startChromium(t)

t.test('the demo offers the dialects that are on, and says so of a link for another', async (t) => {
  const app = await build(t, { DIALECTS: 'tom,peerjs', PEERJS_PATH: '/deep', PEERJS_KEY: 'ours' })
  const page = await browse(t, browser, app, '/demo#dialect=rooms&meet=1234')
  await page.getByText('“rooms”, which is off here').waitFor()
  t.equal(await page.getByRole('radio').count(), 2)
  await isAccessible(t, page)
  await call(t, browser, app, 'peerjs')
})

t.test('a link whose page has gone says so, and a page of one’s own is one click away', async (t) => {
  const app = await build(t, { PEERJS_EXPIRE_TIMEOUT: '500' })
  for (const [dialect, meet] of [['rooms', '1234'], ['tom', 'nobody'], ['drone', 'nobody'], ['peerjs', 'nobody']]) {
    const page = await browse(t, browser, app, `/demo#dialect=${dialect}&meet=${meet}`)
    await stateIs(page, 'The page that made this link is not there.')
    await page.getByRole('button', { name: 'Start over' }).click()
    await stateIs(page, 'Waiting for the other page')
  }
})

t.test('in an app of its own, the demo is below the prefix', async (t) => {
  const app = fastify({ forceCloseConnections: true })
  app.register(signalbox, { prefix: '/deep/signal' })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => await app.close())
  for (const dialect of ['rooms', 'peerjs']) {
    const first = await browse(t, browser, app, `/deep/signal/demo#dialect=${dialect}`)
    await browse(t, browser, app, await linkOf(first))
    await stateIs(first, 'Connected')
  }
})

t.test('a call outlives its server, and afterwards the page says that there is none', async (t) => {
  const app = await build(t)
  const [first, second] = await call(t, browser, app, 'rooms', { expected: /ERR_CONNECTION/ })
  await app.close()
  await first.getByText('the call goes on without it').waitFor()
  await say(first, second, 'still here')
  await second.close()
  await stateIs(first, 'The server cannot be reached.')
})

t.test('a page without TLS has no camera, and says why', async (t) => {
  const app = await build(t)
  const context = await browser.newContext()
  t.teardown(async () => await context.close())
  // As on a phone that opens the page by a name in the local network.
  await context.addInitScript(() => Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined }))
  const first = await context.newPage()
  const second = await context.newPage()
  const { port } = app.server.address() as { port: number }
  await first.goto(`http://127.0.0.1:${port}/demo#dialect=rooms`)
  await second.goto(`http://127.0.0.1:${port}${await linkOf(first)}`)
  await stateIs(first, 'Connected')
  await first.getByText('Browsers give the camera to secure pages only').waitFor()
  t.equal(await first.getByRole('button', { name: 'Show my camera' }).isDisabled(), true)
})

t.test('a browser loads peerjs only for its own dialect', async (t) => {
  const page = await browse(t, browser, await build(t), '/demo#dialect=rooms')
  await linkOf(page)
  const loaded = async () => await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name).join(' '))
  t.notMatch(await loaded(), /peerjs/)
  await page.getByRole('radio', { name: titles.peerjs }).check()
  await stateIs(page, 'Waiting for the other page')
  t.match(await loaded(), /peerjs/)
})

t.test('the clients of the examples are those of the demo, which has no others', (t) => {
  const talk = readFileSync('web/demo/talk.ts', 'utf8')
  for (const file of readdirSync('examples/clients').filter((name) => name.endsWith('.js'))) {
    t.match(talk, `from '../../examples/clients/${file}'`)
  }
  for (const file of readdirSync('web/demo')) {
    t.notMatch(readFileSync(`web/demo/${file}`, 'utf8'), /new (WebSocket|RTCPeerConnection)/, file)
  }
  t.end()
})
