import { once } from 'node:events'
import t from 'tap'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { launch } from '../browser/browser.js'
import { peerPages } from '../browser/peerjs-pages.js'
import type { Env } from '../helper.js'
import { start } from '../process.js'
import { cameraPages, pictures } from './camera-pages.js'
import { film, freeUdpPort, play, source, written } from './node-camera.js'

declare const client: typeof import('../browser/pages/peerjs.js')

const open = await cameraPages(t)
const { join } = peerPages(await launch(t))
const bridged: Env = { BRIDGE: 'peerjs-drone' }

/** The same as VP8, whose packets are numbered from `first` on. */
function vp8From (first: number): string {
  const encoder = `vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay seqnum-offset=${first}`
  return source.replace(/x264enc[^]*rtph264pay config-interval=-1/, encoder)
}

t.test('two PeerJS pages see the camera of Node at once, and it hears when one of them hangs up', async (t) => {
  const { port } = await start(t, bridged)
  const rtpPort = await freeUdpPort()
  play(t, rtpPort, source)
  const running = film(t, port, { RTP_PORT: String(rtpPort) })
  await written(running, 'here as cam-1')

  const viewer = await open(t, `viewer.html?host=127.0.0.1&port=${port}`)
  await viewer.getByText('this is cam-1').waitFor()
  const alice = await join(t, { port }, 'alice')
  await alice.evaluate(() => client.view('drone:cam-1'))
  const [shown, seen] = await Promise.all([pictures(viewer, 50), alice.evaluate(async () => await client.see(50))])
  t.equal(shown, 50)
  t.same(seen, { kinds: ['video'], hasPicture: true })

  await alice.evaluate(() => client.closeView())
  await written(running, 'peerjs:alice has gone, seen by 1')
  t.equal(await pictures(viewer, 25), 25, 'the other goes on')
  running.child.kill('SIGTERM')
  await viewer.getByText('cam-1 has gone').waitFor()
})

t.test('the camera comes back to a server that restarts, and is seen all the while', async (t) => {
  const first = await start(t, bridged)
  const { port } = first
  const rtpPort = await freeUdpPort()
  play(t, rtpPort, source)
  const running = film(t, port, { RTP_PORT: String(rtpPort) })
  await written(running, 'here as cam-1')
  const viewer = await open(t, `viewer.html?host=127.0.0.1&port=${port}`)
  t.equal(await pictures(viewer, 5), 5)

  first.child.kill('SIGKILL')
  await written(running, 'trying again')
  t.equal(await pictures(viewer, 25), 25, 'while there is no server')
  await start(t, { ...bridged, PORT: String(port) })
  await written(running, 'here as cam-1', 2)
  t.equal(await pictures(viewer, 25), 25, 'after it has come back')
  const another = await open(t, `viewer.html?host=127.0.0.1&port=${port}`)
  t.equal(await pictures(another, 25), 25)
})

t.test('a source of pictures may begin anew, and may be VP8', async (t) => {
  const { port } = await start(t, bridged)
  const rtpPort = await freeUdpPort()
  const first = play(t, rtpPort, vp8From(20_000))
  const running = film(t, port, { RTP_PORT: String(rtpPort), CODEC: 'VP8' })
  await written(running, 'here as cam-1')
  const viewer = await open(t, `viewer.html?host=127.0.0.1&port=${port}`)
  t.equal(await pictures(viewer, 25), 25)
  first.kill('SIGKILL')
  await once(first, 'exit')
  // Numbers that go back are old packets to whoever decrypts them.
  play(t, rtpPort, vp8From(100))
  t.equal(await pictures(viewer, 50), 50)
})

t.test('the camera brings its token, and ends with 1 when it is not good, or when another camera takes its id', async (t) => {
  const { port } = await start(t, { ...bridged, ...withSecret })
  const env = { RTP_PORT: '0', TOKEN: tokenFor({ sub: 'cam-1', exp: Date.now() / 1000 + 3600 }) }
  const running = film(t, port, env)
  await written(running, 'here as cam-1')
  const unknown = film(t, port, { ...env, TOKEN: 'not one' })
  t.equal(await unknown.exited, 1)
  t.match(unknown.output.stdout, 'the server has closed: 1008 Unauthorized')

  const other = film(t, port, env)
  t.equal(await running.exited, 1)
  t.match(running.output.stdout, 'the server has closed: 4000')
  await written(other, 'here as cam-1')
})

t.test('the camera lets no offer end it, and answers no more viewers than it may', async (t) => {
  const { port } = await start(t, bridged)
  const running = film(t, port, { RTP_PORT: '0', MAX_VIEWERS: '1' })
  await written(running, 'here as cam-1')
  const alice = await join(t, { port }, 'alice')
  // Without the constraints it asks for no pictures.
  await alice.evaluate(() => client.view('drone:cam-1', {}))
  await written(running, 'offer of peerjs:alice: no H264 is asked for')
  await alice.evaluate(() => client.view('drone:cam-1'))
  await written(running, 'peerjs:alice has come, seen by 1')
  const bob = await join(t, { port }, 'bob')
  await bob.evaluate(() => client.view('drone:cam-1'))
  await written(running, 'offer of peerjs:bob: one viewer too many')
})
