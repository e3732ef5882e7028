import { once } from 'node:events'
import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { answers, error, join, news, register } from './members.js'

const build = buildOnly('psync')

const env = { PSYNC_PEER_TTL_MS: '1000', HEARTBEAT_INTERVAL: '30000', PSYNC_PEER_LEFT: 'true' }
const deaf = { autoPong: false }

t.test('a peer not heard of for PSYNC_PEER_TTL_MS is dropped with 4101, and the group is told', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'a')
  const startedAt = performance.now()
  const bob = await join(t, app, 'b', { options: deaf })
  await alice.nextOf('peer_joined')
  t.match(await bob.closed, { code: 4101 })
  t.ok(performance.now() - startedAt > 900, 'and not before')
  t.match(await alice.next(), { type: 'peer_left', payload: { peer: { id: 'b', group_id: 'g' } } })
  alice.send({ type: 'offer', target_id: 'b', payload: {} })
  t.same(await alice.next(), error('peer not found', { target_id: 'b' }))
})

t.test('a peer that answers pings stays, however long the server’s own interval is', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  for (let pings = 0; pings < 5; pings++) await once(bob.socket, 'ping')
  await alice.nextOf('peer_joined')
  t.same(await news(alice, bob, 'b'), [])
  t.same(await answers(alice), [])
})

t.test('a peer that sends heartbeats stays', async (t) => {
  const app = await build(t, env)
  const bob = await join(t, app, 'b', { options: deaf })
  for (let pings = 0; pings < 5; pings++) {
    await once(bob.socket, 'ping')
    bob.send({ type: 'heartbeat', source_id: 'b', payload: {} })
  }
  t.same(await news(bob, bob, 'b'), [])
})

t.test('a socket that never registers is dropped as well', async (t) => {
  const app = await build(t, env)
  const silent = await connect(t, app, '/psync/ws', deaf)
  t.match(await silent.closed, { code: 4101 })
})

t.test('a peer that no longer reads is gone as well', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await alice.nextOf('peer_joined')
  bob.socket.pause()
  t.match(await alice.next(), { type: 'peer_left', payload: { peer: { id: 'b' } } })
})

t.test('the server’s own pings count here too: two intervals of silence are 4101', async (t) => {
  const app = await build(t, { HEARTBEAT_INTERVAL: '1000' })
  const bob = await join(t, app, 'b', { options: deaf })
  t.match(await bob.closed, { code: 4101 })
})

t.test('a peer dropped for its silence may come back', async (t) => {
  const app = await build(t, env)
  const bob = await join(t, app, 'b', { options: deaf })
  await bob.closed
  const again = await connect(t, app, '/psync/ws')
  t.same(await register(again, 'b'), [])
})
