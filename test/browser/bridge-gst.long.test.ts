import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { ways } from '../bridge/ends.js'
import { urlOf } from '../helper.js'
import { launch } from './browser.js'
import { peerPages, whereIs } from './peerjs-pages.js'

declare const client: typeof import('./pages/peerjs.js') & typeof import('./pages/drone-camera.js')
declare const gst: typeof import('./pages/gst.js')

const open = await launch(t)
const { join } = peerPages(open)
const env = { DIALECTS: 'drone,gst,peerjs', BRIDGE: 'peerjs-gst,drone-gst' }
const pictures = 25
const seen = { kinds: ['video'], hasPicture: true }

/** A page of gstwebrtc-api, and its id. */
async function gstPage (t: Test, app: FastifyInstance, name: string) {
  const page = await open(t, 'gst.ts')
  await page.evaluate('globalThis.gst = client')
  const id = await page.evaluate(async ({ url, name }) => await gst.connect(url, name), { url: socketOf(app, '/gst'), name })
  return { page, id }
}

function socketOf (app: FastifyInstance, path: string): string {
  return urlOf(app).replace('http', 'ws') + path
}

for (const [where, start] of Object.entries(ways)) {
  t.test(`${where}: a PeerJS page calls a producer of gstwebrtc-api, which turns the call, and sees it until it goes`, async (t) => {
    const [one, other] = await start(t, env)
    const { page: camera, id } = await gstPage(t, other, 'camera')
    const viewer = await join(t, whereIs(one), 'alice')
    await camera.evaluate(() => gst.produce())
    await viewer.evaluate((id) => client.view(`gst:${id}`), id)
    t.equal(await camera.evaluate(async () => await gst.serve()), 'peerjs:alice')
    t.same(await viewer.evaluate(async (pictures) => await client.see(pictures), pictures), seen)
    t.equal(await viewer.evaluate(() => client.isViewing()), false, 'its own call has come to nothing, without an event')
    await camera.evaluate(() => gst.stop())
    t.equal(await viewer.evaluate(async () => await client.callClosed()), true)
  })

  t.test(`${where}: a producer of gstwebrtc-api calls a PeerJS page, which answers and sees it`, async (t) => {
    const [one, other] = await start(t, env)
    const { page: camera } = await gstPage(t, one, 'camera')
    const viewer = await join(t, whereIs(other), 'alice')
    await camera.evaluate(() => gst.produce('peerjs:alice'))
    t.same(await viewer.evaluate(async (pictures) => await client.see(pictures), pictures), seen)
    await camera.evaluate(() => gst.stop())
    t.equal(await viewer.evaluate(async () => await client.callClosed()), true)
  })

  t.test(`${where}: a consumer of gstwebrtc-api calls a camera that speaks drone, and sees it`, async (t) => {
    const [one, other] = await start(t, env)
    const { page: viewer } = await gstPage(t, one, 'viewer')
    const camera = await open(t, 'drone-camera.ts')
    await camera.evaluate(async (url) => await client.register(url, 'cam-1'), socketOf(other, '/drone'))
    t.equal(await viewer.evaluate(async () => await gst.view('drone:cam-1')), true)
    t.match(await camera.evaluate(() => client.state()), { connection: 'connected' })
  })
}
