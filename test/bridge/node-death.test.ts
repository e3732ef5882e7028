import { once } from 'node:events'
import t from 'tap'
import { eventually, isReady } from '../cluster/nodes.js'
import { start } from '../process.js'
import { startRedis } from '../redis.js'
import { answered, peerjsFrames, peerOf, quiet } from './ends.js'

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
