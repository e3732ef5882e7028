import { once } from 'node:events'
import t from 'tap'
import { eventually, isReady } from '../cluster/nodes.js'
import { start } from '../process.js'
import { startRedis } from '../redis.js'
import { peer } from '../routes/gst/peers.js'
import { answered, peerjsFrames, peerOf, pictures, quiet } from './ends.js'

t.test('when the node of a called drone is killed, a page on another node hears LEAVE, once', async (t) => {
  const { url } = await startRedis(t)
  const env = { REDIS_URL: url, NODE_LEASE_MS: '1000', BRIDGE: 'peerjs-drone' }
  const [one, other] = await Promise.all([start(t, env), start(t, env)])
  for (const { port } of [one, other]) await eventually(async () => await isReady(port))
  const alice = await peerOf(t, one.port, 'peerjs', 'alice')
  const stays = await peerOf(t, one.port, 'drone', 'stays')
  const goes = await peerOf(t, other.port, 'drone', 'goes')
  for (const [id, drone] of Object.entries({ stays, goes })) {
    alice.send(peerjsFrames.offer(`drone:${id}`, { connectionId: `mc_${id}` }))
    await drone.next()
    drone.send({ type: 'answer', target: 'peerjs:alice', sdp: answered })
    t.match(await alice.next(), { type: 'ANSWER', src: `drone:${id}` })
  }
  other.child.kill('SIGKILL')
  await once(other.child, 'exit')
  const diedAt = performance.now()
  t.same(await alice.next(), { type: 'LEAVE', src: 'drone:goes', dst: 'alice' })
  const ms = performance.now() - diedAt
  t.ok(ms < 5_000, `${Math.round(ms)} ms`)
  t.same(await quiet(alice, 'peerjs'), [])
})

t.test('when the node of a called producer is killed, a page hears LEAVE; when that of a page is, a producer’s session ends', async (t) => {
  const { url } = await startRedis(t)
  const env = { REDIS_URL: url, NODE_LEASE_MS: '1000', DIALECTS: 'gst,peerjs', BRIDGE: 'peerjs-gst' }
  const [one, other] = await Promise.all([start(t, env), start(t, env)])
  for (const { port } of [one, other]) await eventually(async () => await isReady(port))
  const [alice, stays] = [await peerOf(t, one.port, 'peerjs', 'alice'), await peer(t, one.port, 'producer')]
  const [bob, goes] = [await peerOf(t, other.port, 'peerjs', 'bob'), await peer(t, other.port, 'producer')]
  const sessions = []
  for (const [page, producer] of [[alice, goes], [bob, stays]] as const) {
    page.send(peerjsFrames.offer(`gst:${producer.id}`))
    const { sessionId } = await producer.next('startSession')
    producer.send('peer', { sessionId, sdp: { type: 'answer', sdp: answered } })
    t.match(await page.next(), { type: 'ANSWER' })
    sessions.push(sessionId)
  }
  stays.send('startSession', { peerId: 'peerjs:bob' })
  const { sessionId } = await stays.next('startSession')
  stays.send('peer', { sessionId, sdp: { type: 'offer', sdp: pictures } })
  await bob.nextOf('OFFER')
  other.child.kill('SIGKILL')
  await once(other.child, 'exit')
  t.same(await alice.next(), { type: 'LEAVE', src: `gst:${goes.id}`, dst: 'alice' })
  const ended = [await stays.client.next(), await stays.client.next()]
  t.same(ended.map(({ sessionId }) => sessionId).sort(), [sessions[1], sessionId].sort(), 'each session of the two, once')
  t.same([await quiet(alice, 'peerjs'), await stays.settle()], [[], []])
})
