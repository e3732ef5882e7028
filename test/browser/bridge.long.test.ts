import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { nodesOn } from '../cluster/nodes.js'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'
import { failedIn, peerPages, whereIs } from './peerjs-pages.js'

declare const client: typeof import('./pages/peerjs.js') & typeof import('./pages/drone-camera.js')
declare const daemon: typeof import('./pages/psync-daemon.js')

const open = await launch(t)
const { join } = peerPages(open)

/** Pictures that are decoded before a camera counts as seen: a second of them. */
const pictures = 25

/** The drone's page, on the client of examples/clients, registered. */
async function dronePage (t: Test, app: FastifyInstance, id: string, shows: 'stream' | 'noStream' = 'stream') {
  const page = await open(t, 'drone-camera.ts')
  const url = `${urlOf(app).replace('http', 'ws')}/drone`
  await page.evaluate(async ({ url, id, shows }) => await client.register(url, id, shows), { url, id, shows })
  return page
}

const ways: Record<string, (t: Test) => Promise<readonly [FastifyInstance, FastifyInstance]>> = {
  async 'on one node' (t) {
    const app = await build(t, { BRIDGE: 'peerjs-drone' })
    return [app, app]
  },
  async 'on two nodes' (t) {
    const { apps: [one, other] } = await nodesOn(t, 2, { BRIDGE: 'peerjs-drone' })
    return [one as FastifyInstance, other as FastifyInstance]
  }
}

for (const [where, start] of Object.entries(ways)) {
  t.test(`${where}: a page with new Peer().call('drone:cam-1', …) sees a camera that speaks drone`, async (t) => {
    const [one, other] = await start(t)
    const [camera, viewer] = [await dronePage(t, other, 'cam-1'), await join(t, whereIs(one), 'alice')]
    await viewer.evaluate(() => client.view('drone:cam-1'))
    t.same(await viewer.evaluate(async (pictures) => await client.see(pictures), pictures), { kinds: ['video'], hasPicture: true })
    t.equal(await viewer.evaluate(() => client.isViewing()), true)
    t.match(await camera.evaluate(() => client.state()), { connection: 'connected' })

    await camera.evaluate(() => client.leave())
    t.equal(await viewer.evaluate(async () => await client.viewClosed()), true, 'the call ends when the drone goes')
  })

  t.test(`${where}: a camera that speaks drone calls a PeerJS page, which answers and sees it`, async (t) => {
    const [one, other] = await start(t)
    const [camera, viewer] = [await dronePage(t, one, 'cam-1'), await join(t, whereIs(other), 'alice')]
    await camera.evaluate(() => client.call('peerjs:alice'))
    t.same(await viewer.evaluate(async (pictures) => await client.see(pictures), pictures), { kinds: ['video'], hasPicture: true })
    t.match(await camera.evaluate(() => client.state()), { connection: 'connected' })
  })
}

t.test('a page that calls a camera which is not there hears peer-unavailable', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const viewer = await join(t, whereIs(app), 'alice')
  await viewer.evaluate(() => client.view('drone:nobody'))
  t.equal(await failedIn(viewer), 'peer-unavailable')
})

/** Two pages that call each other a hundred times, and of which one loses a candidate that comes too early. */
async function dataPages (t: Test) {
  const app = await build(t, { BRIDGE: 'peerjs-psync', MESSAGE_BURST: '100000' })
  const page = await open(t, 'psync-daemon.ts')
  const url = `${urlOf(app).replace('http', 'ws')}/psync/ws`
  await page.evaluate('globalThis.daemon = client')
  await page.evaluate(async (url) => await daemon.register(url, 'd', 'g'), url)
  return { page, alice: await join(t, whereIs(app), 'alice') }
}

t.test('a PeerJS page calls a psync daemon a hundred times: bytes both ways, and no candidate comes too early', async (t) => {
  const { page, alice } = await dataPages(t)
  for (let byte = 0; byte < 100; byte++) {
    const heard = await alice.evaluate(async (byte) => await client.echo('psync:g/d', byte), byte)
    if (heard.join() !== `${byte},1,2`) t.fail(`${byte}: ${heard}`)
  }
  const { taken, lost } = await page.evaluate(() => daemon.candidates())
  t.equal(lost, 0)
  t.ok(taken >= 100, `${taken} candidates`)
})

t.test('a psync daemon calls a PeerJS page a hundred times: bytes both ways, and no candidate comes too early', async (t) => {
  const { page, alice } = await dataPages(t)
  await alice.evaluate(() => client.echoAll())
  for (let byte = 0; byte < 100; byte++) {
    const heard = await page.evaluate(async (byte) => await daemon.echo('peerjs:alice', byte), byte)
    if (heard.join() !== `${byte},1,2`) t.fail(`${byte}: ${heard}`)
  }
  const { taken, lost } = await page.evaluate(() => daemon.candidates())
  t.equal(lost, 0)
  t.ok(taken >= 100, `${taken} candidates`)
})
