import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { countersOf, eventually, nodesOn } from '../cluster/nodes.js'
import { creator, error, joiner, news } from '../routes/rooms/members.js'

const leasesKey = '{sb:0}:nodes'
/** Other nodes have restored their members by then. */
const joinsAgainAfterMs = 7_000
const env = { NODE_LEASE_MS: '1500' }

t.test('Redis is emptied: who had signalled alone in a room is told that the signals are gone, and the room lives on', async (t) => {
  const { redis, apps } = await nodesOn(t, 2, env)
  const [one, other] = apps as [FastifyInstance, FastifyInstance]
  const alice = await creator(t, one)
  for (const payload of ['offer', 'candidate']) alice.client.send({ type: 'signal', payload })
  t.same(await news(alice.client), [])
  await redis.client.flushall()
  const since = performance.now()
  t.same(await alice.client.next(), error('Room is empty'), 'once for all of them')
  await eventually(() => one.state.isReady && other.state.isReady)
  alice.client.send({ type: 'signal', payload: 'again' })
  t.same(await news(alice.client), [])
  await eventually(() => performance.now() - since > joinsAgainAfterMs)
  const bob = await joiner(t, other, alice.roomId)
  t.match(await bob.client.next(), { type: 'signal', senderId: alice.myId, payload: 'again' })
  t.same(await news(bob.client), [])
})

t.test('a node loses its lease and nobody has noticed: what a room keeps is kept', async (t) => {
  const { redis, apps: [app] } = await nodesOn(t, 1, env)
  const alice = await creator(t, app as FastifyInstance)
  alice.client.send({ type: 'signal', payload: 'offer' })
  t.same(await news(alice.client), [])
  await redis.client.del(leasesKey)
  await eventually(() => countersOf(app as FastifyInstance).leasesLost > 0 && app?.state.isReady)
  t.same(await news(alice.client), [])
  const bob = await joiner(t, app as FastifyInstance, alice.roomId)
  t.match(await bob.client.next(), { type: 'signal', senderId: alice.myId, payload: 'offer' })
})

t.test('a node counts as dead and comes back: who had signalled alone in a room is told that the signals are gone', async (t) => {
  const { redis, apps } = await nodesOn(t, 2, env)
  const [one, other] = apps as [FastifyInstance, FastifyInstance]
  const alice = await creator(t, one)
  alice.client.send({ type: 'signal', payload: 'offer' })
  t.same(await news(alice.client), [])
  const [[holder]] = [String(await redis.client.hget(`{sb:0}:members:rooms/${alice.roomId}`, alice.myId)).split('\n')]
  // Until the other node has reaped it, however often it renews its lease meanwhile.
  await eventually(async () => {
    await redis.client.zadd(leasesKey, 'XX', 1, String(holder))
    return countersOf(other).nodesReaped > 0 || countersOf(one).leasesLost > 0
  })
  const wasReaped = countersOf(other).peersReaped > 0
  await eventually(() => countersOf(one).leasesLost > 0 && one.state.isReady)
  const told = await news(alice.client)
  const bob = await joiner(t, other, alice.roomId)
  const heard = (await news(bob.client)).map(({ payload }) => payload)
  t.same([told, heard], wasReaped ? [[error('Room is empty')], []] : [[], ['offer']], 'never both, and never neither')
})
