import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { build, connect, urlOf } from '../helper.js'
import { clients } from '../../src/testing/clients.js'
import { peerOf } from '../bridge/ends.js'
import { launch } from './browser.js'
import { peerPages, whereIs } from './peerjs-pages.js'

declare const client: typeof import('./pages/peerjs.js') & typeof import('./pages/drone-camera.js')

// What docs/bridge.md says of clients, measured: none of this is ours, and a browser or a client may change it.

const open = await launch(t)
const { join } = peerPages(open)

async function pages (t: Test, shows: 'stream' | 'noStream' = 'stream') {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  return { app, camera: await cameraPage(t, app, shows), viewer: await join(t, whereIs(app), 'alice') }
}

async function cameraPage (t: Test, app: FastifyInstance, shows: 'stream' | 'noStream') {
  const page = await open(t, 'drone-camera.ts')
  const url = `${urlOf(app).replace('http', 'ws')}/drone`
  await page.evaluate(async ({ url, shows }) => await client.register(url, 'cam-1', shows), { url, shows })
  return page
}

t.test('PeerJS hangs up a call whose answer rejects its data channel', async (t) => {
  const { camera, viewer } = await pages(t)
  await camera.evaluate(() => client.rejectChannels())
  await viewer.evaluate(() => client.view('drone:cam-1'))
  t.equal(await viewer.evaluate(async () => await client.viewClosed()), true)
})

t.test('a call with an empty stream asks for a picture by its constraints, and without them for none', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const [camera, viewer] = [await peerOf(t, app, 'drone', 'cam-1'), await join(t, whereIs(app), 'alice')]
  const asked = async () => String((await camera.nextOf('offer')).sdp).match(/^m=\w+/mg)
  await viewer.evaluate(() => client.view('drone:cam-1', {}))
  t.same(await asked(), ['m=application'])
  await viewer.evaluate(() => client.view('drone:cam-1'))
  t.same(await asked(), ['m=audio', 'm=video', 'm=application'])
})

t.test('PeerJS makes no call without a stream', async (t) => {
  const { viewer } = await pages(t)
  t.equal(await viewer.evaluate(() => client.callWithoutStream('drone:cam-1') === undefined), true)
})

t.test('PeerJS throws, and tells of no stream, when a track comes without one', async (t) => {
  const { viewer } = await pages(t, 'noStream')
  await viewer.evaluate(() => client.keepErrors())
  await viewer.evaluate(() => client.view('drone:cam-1'))
  t.match(await viewer.evaluate(async () => await client.threw()), /reading 'id'/)
})

t.test('a camera with a data channel hears that a page has closed its call', async (t) => {
  const { camera, viewer } = await pages(t)
  await viewer.evaluate(() => client.view('drone:cam-1'))
  await viewer.evaluate(async () => await client.see())
  await viewer.evaluate(() => client.closeView())
  t.equal(await camera.evaluate(async () => await client.ended()), true)
})

t.test('PeerJS throws at a data offer without a serialization, and goes on with what comes then', async (t) => {
  const { app, viewer } = await pages(t)
  await viewer.evaluate(() => client.keepErrors())
  const other = await connect(t, app, clients.peerjs.path('bob'))
  other.send({ type: 'OFFER', dst: 'alice', payload: { type: 'data', connectionId: 'dc_1', sdp: { type: 'offer', sdp: 'v=0' } } })
  t.match(await viewer.evaluate(async () => await client.threw()), /not a constructor/)
  await viewer.evaluate(() => client.view('drone:cam-1'))
  t.match(await viewer.evaluate(async () => await client.see()), { hasPicture: true })
})

t.test('a browser refuses a candidate that comes before the description, and one that names no m-line', async (t) => {
  const { viewer } = await pages(t)
  const names = await viewer.evaluate(async () => {
    const connection = new RTCPeerConnection()
    const early = await connection.addIceCandidate({ candidate: 'candidate:1 1 udp 1 192.0.2.1 1 typ host', sdpMid: '0' })
      .catch(({ name }: Error) => name)
    const nameless = await connection.addIceCandidate({ candidate: 'candidate:1 1 udp 1 192.0.2.1 1 typ host' })
      .catch(({ name }: Error) => name)
    return [early, nameless]
  })
  t.same(names, ['InvalidStateError', 'TypeError'])
})
