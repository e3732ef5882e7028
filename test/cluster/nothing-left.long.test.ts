import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Client, connect } from '../helper.js'
import type { RedisServer } from '../redis.js'
import { countersOf, eventually, nodesOn } from './nodes.js'

const joins = 10_020
const sockets = 30
const roomsOfSocket = 16

/** All channels, and all keys except the counters of attempts, which expire by themselves. */
async function held ({ client }: RedisServer): Promise<string[]> {
  const keys = (await client.keys('*')).filter((key) => !/attempts|rate/.test(key))
  return [...keys, ...await client.pubsub('CHANNELS') as string[]].sort()
}

/** Registers under one id after the other. Each time is a leave and a join. */
async function registerOften (
  t: Test,
  app: FastifyInstance,
  path: string,
  frameOf: (at: number) => object,
  answer: string
): Promise<Client> {
  const client = await connect(t, app, path)
  for (let at = 0; at < joins / sockets; at++) {
    client.send(frameOf(at))
    await client.nextOf(answer)
  }
  return client
}

/** Opens room after room, as many on each socket as are permitted. */
async function openOften (t: Test, app: FastifyInstance): Promise<Client> {
  let client = await connect(t, app, '/rooms')
  for (let at = 0; at < joins / sockets; at++) {
    if (at % roomsOfSocket === 0) {
      client.socket.terminate()
      client = await connect(t, app, '/rooms')
    }
    client.send({ type: 'create' })
    await client.nextOf('room_created')
  }
  return client
}

t.test('after thousands of joins and leaves over three nodes Redis holds what it held before', async (t) => {
  const { redis, apps } = await nodesOn(
    t,
    3,
    { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000', ROOM_EMPTY_TTL_MS: '500', PEERJS_EXPIRE_TIMEOUT: '500' }
  )
  const idle = await held(redis)
  const clients = await Promise.all(Array.from({ length: sockets }, async (_, socket) => {
    const app = apps[socket % 3] as FastifyInstance
    const id = (at: number) => `${(socket + at) % 40}`
    const kind = socket % 4
    if (kind === 0) {
      return await registerOften(t, app, '/tom', (at) => ({ type: 'register', nodeId: `n${socket}-${at}`, username: 'u' }), 'participants')
    }
    if (kind === 1) {
      return await registerOften(
        t,
        app,
        '/psync/ws',
        (at) => ({ type: 'register', payload: { peer_id: `p${socket}`, group_id: id(at) } }),
        'peer_list'
      )
    }
    if (kind === 2) return await openOften(t, app)
    return await registerOften(t, app, '/drone', (at) => ({ type: 'register', id: `d${socket}-${at}` }), 'registered')
  }))
  const [one, other] = await Promise.all(['x', 'y'].map(async (id, at) => {
    const client = await connect(t, apps[at] as FastifyInstance, '/drone')
    client.send({ type: 'register', id })
    await client.nextOf('registered')
    return client
  })) as [Client, Client]
  for (let at = 0; at < 100; at++) one.send({ type: 'offer', target: 'y', sdp: `${at}` })
  await other.nextThat(({ sdp }) => sdp === '99')
  const caller = await connect(t, apps[2] as FastifyInstance, '/peerjs?key=peerjs&id=caller&token=t')
  for (let at = 0; at < 50; at++) caller.send({ type: 'OFFER', dst: `nobody${at}`, payload: at })
  caller.send({ type: 'NONSENSE' })
  await caller.nextOf('ERROR')
  t.ok((await held(redis)).length > idle.length + 50)
  // Half of them close, and half are cut.
  for (const [at, { socket }] of [...clients, one, other, caller].entries()) {
    if (at % 2 === 0) socket.close()
    else socket.terminate()
  }
  await eventually(async () => JSON.stringify(await held(redis)) === JSON.stringify(idle))
  t.same(await held(redis), idle)
  for (const app of apps) t.match(app.state.size(), { peers: 0, rooms: 0, mailboxes: 0, mailboxBytes: 0, sessions: 0 })
})

t.test('a node that stops leaves nothing behind, and one that is killed only until it is reaped', async (t) => {
  const { redis, apps: [survivor, stopping] } = await nodesOn(t, 2, { NODE_LEASE_MS: '1000', DRAIN_MS: '0' })
  const alone = (await held(redis)).filter((name) => !name.includes('node') && !name.includes('probe'))
  for (let at = 0; at < 10; at++) {
    const client = await connect(t, stopping as FastifyInstance, '/psync/ws')
    client.send({ type: 'register', payload: { peer_id: `p${at}`, group_id: `g${at}` } })
    await client.nextOf('peer_list')
  }
  await (stopping as FastifyInstance).close()
  await eventually(async () => await redis.client.zcard('{sb:0}:nodes') === 1)
  t.same((await held(redis)).filter((name) => !name.includes('node') && !name.includes('probe')), alone)
  await redis.client.zadd('{sb:0}:nodes', 1, 'dead')
  await redis.client.sadd('{sb:0}:rooms:dead', 'psync/ghosts')
  await redis.client.hset('{sb:0}:members:psync/ghosts', 'ghost', 'dead\nepoch\nnull\n1\n1\n1\n0\nnull\nepoch\n{}')
  await eventually(async () => await redis.client.zcard('{sb:0}:nodes') === 1)
  t.same((await held(redis)).filter((name) => !name.includes('node') && !name.includes('probe')), alone)
  t.match(countersOf(survivor as FastifyInstance), { nodesReaped: 1, peersReaped: 1 })
  t.ok(countersOf(survivor as FastifyInstance).renewals > 0)
  t.ok(countersOf(survivor as FastifyInstance).roundTripMs > 0)
})
