import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { nodesOn } from '../cluster/nodes.js'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'
import { failedIn, peerPages, whereIs } from './peerjs-pages.js'

declare const client: typeof import('./pages/peerjs.js') & typeof import('./pages/drone-camera.js')

const open = await launch(t)
const { join } = peerPages(open)

/** Pictures that are decoded before a camera counts as seen: a second of them. */
const pictures = 25

/** The drone's page, on the client of examples/clients, registered. */
async function dronePage (t: Test, app: FastifyInstance, id: string, shows = true) {
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
