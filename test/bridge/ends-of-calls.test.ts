import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { Tracer } from '../../src/connection/tracer.js'
import { eventually } from '../cluster/nodes.js'
import { build, type Frame, urlOf } from '../helper.js'
import { buildInVirtualTime } from '../virtual-time.js'
import { answered, candidate, channels, peerjsFrames, peerOf, pictures, quiet } from './ends.js'

t.test('without an answer within 30 s, a caller is told that nobody is there, once, and a late answer is nobody’s', async (t) => {
  const { app, pass } = await buildInVirtualTime(t, { BRIDGE: 'peerjs-drone' })
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  alice.send(peerjsFrames.offer('drone:d'))
  await drone.next()
  drone.send({ type: 'offer', target: 'peerjs:alice', sdp: pictures, sessionId: 's' })
  await alice.next()
  await pass(29_000)
  t.same(await quiet(alice, 'peerjs'), [])
  await pass(2_000)
  t.same(await alice.next(), { type: 'EXPIRE', src: 'drone:d', dst: 'alice' })
  t.same(await drone.next(), { type: 'error', message: 'Target client not found', details: 'peerjs:alice' })

  alice.send(peerjsFrames.candidate('drone:d', 'mc_1', 1))
  t.same(await quiet(alice, 'peerjs'), [], 'what the caller still sends is dropped: it has been told')
  drone.send({ type: 'answer', target: 'peerjs:alice', sdp: answered, sessionId: 'mc_1' })
  t.same(await drone.next(), { type: 'error', message: 'Target client not found', details: 'peerjs:alice' })
  t.same(await quiet(alice, 'peerjs'), [])
})

t.test('an answered call does not end by time', async (t) => {
  const { app, pass } = await buildInVirtualTime(t, { BRIDGE: 'peerjs-drone', PEERJS_ALIVE_TIMEOUT: '600000', HEARTBEAT_INTERVAL: '99999' })
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  alice.send(peerjsFrames.offer('drone:d'))
  await drone.next()
  drone.send({ type: 'answer', target: 'peerjs:alice', sdp: answered })
  await alice.next()
  await pass(120_000)
  drone.send({ type: 'ice', target: 'peerjs:alice', candidate: { candidate: candidate(1) } })
  t.match(await alice.next(), { type: 'CANDIDATE', payload: { connectionId: 'mc_1' } })
})

t.test('a peer has 64 calls that it began: one more ends the one idle longest, at both ends', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  for (let call = 0; call < 65; call++) {
    alice.send(peerjsFrames.offer('drone:d', { connectionId: `mc_${call}` }))
    await drone.next()
  }
  drone.send({ type: 'answer', target: 'peerjs:alice', sdp: answered, sessionId: 'mc_0' })
  t.match(await drone.next(), { message: 'Target client not found' })
  drone.send({ type: 'answer', target: 'peerjs:alice', sdp: answered, sessionId: 'mc_1' })
  t.match(await alice.next(), { type: 'ANSWER', payload: { connectionId: 'mc_1' } })
})

t.test('a second offer under the name of a call is a new call, in place of the first', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const [drone, alice] = [await peerOf(t, app, 'drone', 'd'), await peerOf(t, app, 'peerjs', 'alice')]
  const ids = []
  for (let call = 0; call < 2; call++) {
    drone.send({ type: 'offer', target: 'peerjs:alice', sdp: pictures, sessionId: 's' })
    ids.push(((await alice.next()).payload as Frame).connectionId)
  }
  t.not(ids[0], ids[1])
  alice.send(peerjsFrames.answer('drone:d', ids[0]))
  t.match(await alice.next(), { type: 'EXPIRE' }, 'the first is over')
  alice.send(peerjsFrames.answer('drone:d', ids[1]))
  t.match(await drone.next(), { type: 'answer', sessionId: 's' })
})

t.test('psync’s frames name no call, so a peer of it has one call at a time with another', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-psync' })
  const [alice, daemon] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'psync', 'd')]
  for (const connectionId of ['dc_1', 'dc_2']) {
    alice.send(peerjsFrames.offer('psync:here/d', { type: 'data', sdp: channels, serialization: 'raw', connectionId }))
    await daemon.next()
  }
  t.same(await alice.next(), { type: 'EXPIRE', src: 'psync:here/d', dst: 'alice' }, 'the first was not answered')
  daemon.send({ type: 'answer', source_id: 'd', target_id: 'peerjs:alice', payload: { sdp: answered } })
  t.match(await alice.next(), { type: 'ANSWER', payload: { connectionId: 'dc_2' } })
  alice.send(peerjsFrames.candidate('psync:here/d', 'dc_1', 1))
  alice.send(peerjsFrames.candidate('psync:here/d', 'dc_2', 2))
  t.match(await daemon.next(), { type: 'candidate', payload: { candidate: candidate(2) } }, 'and its candidates are nobody’s')
  t.same(await quiet(alice, 'peerjs'), [])
})

t.test('candidates that wait for an answer are bounded', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-psync' })
  const [alice, daemon] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'psync', 'd')]
  alice.send(peerjsFrames.offer('psync:here/d', { type: 'data', sdp: channels, serialization: 'raw' }))
  await daemon.next()
  for (let number = 0; number <= 257; number++) alice.send(peerjsFrames.candidate('psync:here/d', 'mc_1', number))
  t.same(await alice.next(), { type: 'EXPIRE', src: 'psync:here/d', dst: 'alice' })
  t.same(await quiet(alice, 'peerjs'), [])

  alice.send(peerjsFrames.offer('psync:here/d', { type: 'data', sdp: channels, serialization: 'raw', connectionId: 'mc_2' }))
  await daemon.next()
  const large = { candidate: { candidate: 'x'.repeat(70_000) }, type: 'data', connectionId: 'mc_2' }
  alice.send({ type: 'CANDIDATE', payload: large, dst: 'psync:here/d' })
  t.same(await alice.next(), { type: 'EXPIRE', src: 'psync:here/d', dst: 'alice' }, 'also in bytes')
})

t.test('a call’s name is an id, as it is remembered and told to others', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  for (const connectionId of ['x'.repeat(257), '', 'a\nb', 7]) {
    alice.send(peerjsFrames.offer('drone:d', { connectionId }))
    t.same(await alice.next(), { type: 'EXPIRE', src: 'drone:d', dst: 'alice' }, String(connectionId).slice(0, 9))
  }
  t.same(await quiet(drone, 'drone'), [])
})

t.test('LEAVE of a PeerJS client ends its calls with the peer that it names', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  alice.send(peerjsFrames.offer('drone:d'))
  await drone.next()
  alice.send({ type: 'LEAVE', dst: 'drone:d' })
  t.same(await quiet(alice, 'peerjs'), [])
  drone.send({ type: 'answer', target: 'peerjs:alice', sdp: answered })
  t.match(await drone.next(), { message: 'Target client not found' })
})

t.test('a drone that registers under another id has left its calls', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  alice.send(peerjsFrames.offer('drone:d'))
  await drone.next()
  drone.send({ type: 'register', id: 'e' })
  t.same(await alice.next(), { type: 'LEAVE', src: 'drone:d', dst: 'alice' })
})

t.test('with RESUME_GRACE_MS, a page hears nothing of a drone whose connection breaks and comes back', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone', RESUME_GRACE_MS: '60000' })
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  alice.send(peerjsFrames.offer('drone:d'))
  await drone.next()
  drone.send({ type: 'answer', target: 'peerjs:alice', sdp: answered })
  await alice.next()
  drone.socket.terminate()
  await drone.closed
  t.same(await quiet(alice, 'peerjs'), [])
  alice.send(peerjsFrames.offer('drone:d', { connectionId: 'mc_2' }))
  t.same(await quiet(alice, 'peerjs'), [])
  const again = await peerOf(t, app, 'drone', 'd')
  t.match(await again.next(), { type: 'offer', from: 'peerjs:alice', sessionId: 'mc_2' }, 'and what came meanwhile has waited for it')
})

t.test('a takeover of a drone’s id is no loss: the next call reaches the newer connection', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  alice.send(peerjsFrames.offer('drone:d'))
  await drone.next()
  const newer = await peerOf(t, app, 'drone', 'd')
  t.match(await drone.closed, { code: 4000 })
  t.same(await quiet(alice, 'peerjs'), [])
  alice.send(peerjsFrames.offer('drone:d', { connectionId: 'mc_2' }))
  t.match(await newer.next(), { type: 'offer', sessionId: 'mc_2' })
})

t.test('a call that reaches its peer is in the audit trail, and counted', async (t) => {
  const path = join(t.testdir(), 'audit.log')
  const app = await build(t, { BRIDGE: 'peerjs-drone', AUDIT_LOG: path })
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  alice.send(peerjsFrames.offer('drone:d'))
  alice.send(peerjsFrames.offer('drone:nobody', { connectionId: 'mc_2' }))
  await drone.next()
  drone.send({ type: 'answer', target: 'peerjs:alice', sdp: answered })
  await alice.nextOf('ANSWER')
  const metrics = await (await fetch(`${urlOf(app)}/metrics`)).text()
  for (const [outcome, count] of [['answered', 1], ['absent', 1]]) {
    t.match(metrics, `signalbox_bridge_calls_total{from="peerjs",to="drone",outcome="${outcome}"} ${count}`)
  }
  t.match(metrics, 'signalbox_bridge_signals_total{from="peerjs",to="drone"} 2')
  t.match(metrics, 'signalbox_bridge_signals_total{from="drone",to="peerjs"} 1')
  await eventually(() => readFileSync(path, 'utf8').includes('"bridged"'))
  const records = readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Frame)
  const bridged = records.filter(({ event }) => event === 'bridged')
  t.match(bridged, [{ from: 'peerjs:alice', to: 'drone:d', kind: 'media', dialect: 'drone', id: 'd' }])
  t.notMatch(readFileSync(path, 'utf8'), 'v=0')
})

t.test('an administrator who follows a called drone sees its frames, and changes nothing, also when that ends', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const { state, signalbox: { connections: { events }, dialects, timers } } = app
  const [alice, drone] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
  const tracer = new Tracer({ state, events, dialects, timers })
  const types: string[] = []
  const ends = [tracer.follow('drone', 'd', ({ type }) => types.push(type)), tracer.follow('drone', 'd', () => {})]
  alice.send(peerjsFrames.offer('drone:d'))
  t.match(await drone.next(), { type: 'offer' })
  t.ok(types.includes('offer'), types.join())
  for (const [at, end] of ends.entries()) {
    end()
    alice.send(peerjsFrames.candidate('drone:d', 'mc_1', at))
    t.match(await drone.next(), { type: 'ice', candidate: { candidate: candidate(at) } })
  }
})
