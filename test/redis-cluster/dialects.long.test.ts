import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { build, type Client, connect, type Env, type Frame } from '../helper.js'
import { startCluster } from '../redis.js'
import { type Actor, enter } from '../../src/testing/actors.js'
import { builtIn } from '../routes/dialects.js'

const cluster = await startCluster(t)

/** Two nodes on the cluster. */
async function two (t: Test, env: Env = {}): Promise<[one: FastifyInstance, other: FastifyInstance]> {
  await Promise.all(cluster.nodes.map(async ({ client }) => await client.flushall()))
  const settings = { ...env, REDIS_URL: cluster.urls.join(',') }
  return [await build(t, settings), await build(t, settings)]
}

async function greeted (t: Test, app: FastifyInstance, path: string, frame: Frame, type: string): Promise<Client> {
  const client = await connect(t, app, path)
  client.send(frame)
  await client.nextOf(type)
  return client
}

for (const subject of builtIn) {
  t.test(`${subject.name}: signals cross between two nodes on a Redis Cluster, both ways and in order`, async (t) => {
    const [one, other] = await two(t, subject.env)
    const alice = await enter(t, one, subject, 'alice')
    const bob = await enter(t, other, subject, 'bob', { place: alice.place })
    const pairs: Array<[Actor, Actor]> = [[alice, bob], [bob, alice]]
    for (const [from, to] of pairs) {
      for (let load = 0; load < 50; load++) from.signal(to.id, load)
      const loads: unknown[] = []
      for (let load = 0; load < 50; load++) loads.push((await to.hears()).load)
      t.same(loads, Array.from({ length: 50 }, (_, load) => load))
    }
  })
}

t.test('peerjs: what waits for a peer is found on another node, in order, and a second socket takes the id over', async (t) => {
  const [one, other] = await two(t, { PEERJS_EXPIRE_TIMEOUT: '5000' })
  const path = (id: string) => `/peerjs?key=peerjs&id=${id}&token=t`
  const alice = await connect(t, one, path('alice'))
  for (const payload of [1, 2, 3]) alice.send({ type: 'OFFER', dst: 'bob', payload })
  alice.send({ type: 'OFFER', dst: 'alice', payload: 'all sent' })
  await alice.nextThat(({ payload }) => payload === 'all sent')
  const bob = await connect(t, other, path('bob'))
  t.match(await bob.next(), { type: 'OPEN' })
  for (const payload of [1, 2, 3]) t.match(await bob.next(), { type: 'OFFER', src: 'alice', payload })
  const again = await connect(t, one, path('bob'))
  t.match(await again.next(), { type: 'OPEN' })
  t.equal((await bob.closed).code, 4000)
  const thief = await connect(t, other, path('bob').replace('token=t', 'token=other'))
  t.match(await thief.next(), { type: 'ID-TAKEN' })
})

t.test('peerjs: mail that nobody came for expires once, on the node that its sender is on by then', async (t) => {
  const [one, other] = await two(t, { PEERJS_EXPIRE_TIMEOUT: '2000' })
  const path = '/peerjs?key=peerjs&id=alice&token=t'
  const before = await connect(t, one, path)
  before.send({ type: 'OFFER', dst: 'nobody', payload: 1 })
  before.send({ type: 'CANDIDATE', dst: 'nobody', payload: 2 })
  before.send({ type: 'OFFER', dst: 'alice', payload: 'all sent' })
  await before.nextThat(({ payload }) => payload === 'all sent')
  const alice = await connect(t, other, path)
  await before.closed
  t.match(await alice.next(), { type: 'OPEN' })
  t.same(await alice.next(), { type: 'EXPIRE', src: 'nobody', dst: 'alice' })
  alice.send({ type: 'OFFER', dst: 'alice', payload: 'last' })
  t.match(await alice.next(), { payload: 'last' })
})

t.test('rooms: a room of one node is joined on another, counts all its members, and ends for all', async (t) => {
  const [one, other] = await two(t, { ROOM_TIMEOUT_MS: '1500', ROOM_MAX_CLIENTS: '2' })
  const alice = await connect(t, one, '/rooms')
  alice.send({ type: 'create' })
  const { roomId } = await alice.nextOf('room_created')
  const bob = await greeted(t, other, '/rooms', { type: 'join', roomId }, 'room_joined')
  const late = await connect(t, one, '/rooms')
  late.send({ type: 'join', roomId })
  t.match(await late.next(), { type: 'error', message: 'Room is full' })
  t.same((await Promise.all([alice.closed, bob.closed])).map(({ code }) => code), [4001, 4001])
})

t.test('psync: a group spans both nodes, is listed, announced and left, and its ids are unique', async (t) => {
  const [one, other] = await two(t, { PSYNC_PEER_LEFT: 'true' })
  const register = (id: string) => ({ type: 'register', source_id: id, payload: { peer_id: id, group_id: 'g' } })
  const alice = await greeted(t, one, '/psync/ws', register('alice'), 'peer_list')
  const bob = await connect(t, other, '/psync/ws')
  bob.send(register('bob'))
  t.match(await bob.next(), { type: 'peer_list', payload: { peers: [{ id: 'alice', group_id: 'g' }] } })
  t.match(await alice.next(), { type: 'peer_joined', payload: { peer: { id: 'bob' } } })
  const again = await greeted(t, one, '/psync/ws', register('bob'), 'peer_list')
  t.equal((await bob.closed).code, 4000)
  t.match(await alice.next(), { type: 'peer_joined', payload: { peer: { id: 'bob' } } })
  await again.close()
  t.match(await alice.next(), { type: 'peer_left', payload: { peer: { id: 'bob' } } })
})

t.test('drone: clients of both nodes are listed, share sessions, and a takeover closes the older one', async (t) => {
  const [one, other] = await two(t)
  const alice = await greeted(t, one, '/drone', { type: 'register', id: 'alice' }, 'registered')
  const bob = await greeted(t, other, '/drone', { type: 'register', id: 'bob' }, 'registered')
  const carol = await greeted(t, other, '/drone', { type: 'register', id: 'carol' }, 'registered')
  alice.send({ type: 'offer', target: 'bob', sdp: 'v=0', sessionId: 's' })
  t.match(await bob.nextOf('offer'), { from: 'alice', sessionId: 's' })
  bob.send({ type: 'answer', target: 'alice', sdp: 'v=0' })
  t.match(await alice.nextOf('answer'), { from: 'bob', sessionId: 's' })
  carol.send({ type: 'ice', target: 'alice', candidate: null, sessionId: 's' })
  t.match(await carol.nextOf('error'), { message: 'Unknown session' })
  alice.send({ type: 'list' })
  const { clients } = await alice.nextOf('clients')
  t.same((clients as string[]).sort(), ['bob', 'carol'])
  await greeted(t, one, '/drone', { type: 'register', id: 'bob' }, 'registered')
  t.equal((await bob.closed).code, 4000)
  await carol.close()
  t.match(await alice.nextOf('client_list_update'), { count: 2 })
})

t.test('tom: joins and leaves are announced on both nodes, and a takeover closes the older one', async (t) => {
  const [one, other] = await two(t)
  const register = (nodeId: string) => ({ type: 'register', nodeId, username: nodeId })
  const has = (...ids: string[]) => ({ type, participants }: Frame) => {
    if (type !== 'participants') return false
    return JSON.stringify((participants as Frame[]).map(({ nodeId }) => nodeId).sort()) === JSON.stringify(ids)
  }
  const alice = await greeted(t, one, '/tom', register('alice'), 'participants')
  const bob = await connect(t, other, '/tom')
  bob.send(register('bob'))
  await bob.nextThat(has('alice', 'bob'))
  t.match(await alice.nextOf('presence'), { action: 'join', nodeId: 'bob' })
  await alice.nextThat(has('alice', 'bob'))
  const again = await greeted(t, one, '/tom', register('bob'), 'participants')
  t.equal((await bob.closed).code, 4000)
  t.match(await alice.nextOf('presence'), { action: 'join', nodeId: 'bob' })
  await again.close()
  t.match(await alice.nextOf('presence'), { action: 'leave', nodeId: 'bob' })
  await alice.nextThat(has('alice'))
})
