import { once } from 'node:events'
import t, { type Test } from 'tap'
import { build, type Frame } from '../helper.js'
import { start } from '../process.js'
import { type RedisServer, startRedis } from '../redis.js'
import { eventually, heardOf, isReady, listenTo, nodesOn, signal, tomPeer, wayTo } from './nodes.js'
import type { FastifyInstance } from 'fastify'

const leaseMs = 1_500
const graceMs = 6_000

type Started = Awaited<ReturnType<typeof start>>

async function processes (t: Test, env = {}): Promise<{ nodes: [Started, Started, Started], redis: RedisServer }> {
  const redis = await startRedis(t)
  const shared = {
    REDIS_URL: redis.url, NODE_LEASE_MS: String(leaseMs), CONNECT_RATE: '1000000', RESUME_GRACE_MS: String(graceMs), ...env
  }
  const nodes = await Promise.all([start(t, shared), start(t, shared), start(t, shared)] as const)
  for (const { port } of nodes) await eventually(async () => await isReady(port))
  return { nodes, redis }
}

t.test('a node is killed: its peers come back elsewhere, what was sent meanwhile is kept, and nobody hears of it', async (t) => {
  const { nodes: [one, two, three], redis } = await processes(t)
  const witness = await tomPeer(t, one.port, 'w')
  const ids = ['p0', 'p1', 'p2', 'p3', 'p4']
  for (const id of ids) await tomPeer(t, three.port, id)
  await heardOf(witness, 'p4')
  const heard = listenTo(witness)
  three.child.kill('SIGKILL')
  await once(three.child, 'exit')
  // Before anybody has noticed.
  for (const id of ids) witness.send(signal('w', id, 'at once'))
  const early = await tomPeer(t, two.port, 'p0')
  t.match(await early.nextOf('signal'), { payload: 'at once' })
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 4)
  for (const id of ids) witness.send(signal('w', id, 'later'))
  t.match(await early.nextOf('signal'), { payload: 'later' })
  for (const id of ids.slice(1, 4)) {
    const back = await tomPeer(t, two.port, id)
    t.match(await back.nextOf('signal'), { payload: 'at once' }, id)
    t.match(await back.nextOf('signal'), { payload: 'later' })
  }
  t.same(heard, [])
  await eventually(() => heard.length > 0)
  t.same(heard, ['leave p4'], 'who has not come back leaves, though its node is gone')
  t.match(await witness.nextOf('error'), { error: 'peer not found' })
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 0)
  t.same(await redis.client.keys('*mail*'), [])
  t.same(await redis.client.keys('*away*'), [])
})

t.test('a node comes back to Redis: what was kept for its peers comes before what is sent to them from then on', async (t) => {
  const redis = await startRedis(t)
  const way = await wayTo(t, redis)
  const shared = { NODE_LEASE_MS: String(leaseMs), RESUME_GRACE_MS: '60000' }
  const one = await build(t, { ...shared, REDIS_URL: redis.url })
  const other = await build(t, { ...shared, REDIS_URL: way.url })
  const witness = await tomPeer(t, one, 'w')
  const [peer, neighbour] = [await tomPeer(t, other, 'p'), await tomPeer(t, other, 'n')]
  await heardOf(witness, 'n')
  const areAway = (count: number) => async () => await redis.client.zcard('{sb:0}:away') === count
  way.cut()
  await eventually(areAway(2))
  witness.send(signal('w', 'p', 'kept'))
  await eventually(async () => (await redis.client.keys('*:mail:*')).length > 0)
  way.freezeAnswerWith('"kept"')
  way.join()
  // Redis has taken them back, and their node has not heard so yet.
  await eventually(areAway(0))
  witness.send(signal('w', 'p', 'later'))
  await one.state.peers.disconnect('tom', 'n', { code: 1008, reason: '' })
  await neighbour.closed
  way.thaw()
  t.match(await peer.nextOf('signal'), { payload: 'kept' })
  t.match(await peer.nextOf('signal'), { payload: 'later' })
})

t.test('a grace ends while the node of a sender is without Redis: the sender is told once its node is back', async (t) => {
  const redis = await startRedis(t)
  const way = await wayTo(t, redis)
  const shared = { NODE_LEASE_MS: '10000', RESUME_GRACE_MS: '1500' }
  const one = await build(t, { ...shared, REDIS_URL: way.url })
  const other = await build(t, { ...shared, REDIS_URL: redis.url })
  const sender = await tomPeer(t, one, 's')
  const [gone, returning] = [await tomPeer(t, other, 'gone'), await tomPeer(t, other, 'returning')]
  await heardOf(sender, 'returning')
  for (const { socket } of [gone, returning]) socket.terminate()
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 2)
  for (const id of ['gone', 'returning']) sender.send(signal('s', id, 'kept'))
  await eventually(async () => (await redis.client.keys('*:mail:*')).length === 2)
  way.cut()
  t.match(await (await tomPeer(t, other, 'returning')).nextOf('signal'), { payload: 'kept' })
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 0)
  way.join()
  t.match(await sender.nextOf('error'), { error: 'peer not found' })
  await eventually(async () => await isReady(one))
  sender.send({ type: 'unheard of' })
  t.match(await sender.nextOf('error'), { error: 'unknown message type' }, 'and not of what has arrived')
  t.same(await redis.client.keys('*untold*'), [])
})

t.test('a node that stood still for longer than its lease goes on with its peers, who get what was kept for them', async (t) => {
  const { nodes: [one, , three], redis } = await processes(t)
  const witness = await tomPeer(t, one.port, 'w')
  const peer = await tomPeer(t, three.port, 'p')
  await heardOf(witness, 'p')
  const heard = listenTo(witness)
  three.child.kill('SIGSTOP')
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 1)
  witness.send(signal('w', 'p', 'meanwhile'))
  three.child.kill('SIGCONT')
  t.match(await peer.nextOf('signal'), { payload: 'meanwhile' })
  await eventually(async () => await isReady(three.port))
  witness.send(signal('w', 'p', 'after'))
  t.match(await peer.nextOf('signal'), { payload: 'after' })
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 0)
  t.same(heard, [])
})

t.test('a peer drops while its node stands still: it may come back, and nobody on any node hears of it', async (t) => {
  const { nodes: [one, two, three], redis } = await processes(t)
  const [witness, neighbour] = [await tomPeer(t, one.port, 'w'), await tomPeer(t, three.port, 'n')]
  const peer = await tomPeer(t, three.port, 'p')
  await heardOf(witness, 'p')
  await heardOf(neighbour, 'p')
  const heard = [listenTo(witness), listenTo(neighbour)]
  three.child.kill('SIGSTOP')
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 2)
  witness.send(signal('w', 'p', 'before'))
  await eventually(async () => await redis.client.llen('{sb:0}:mail:tom\np') === 1)
  peer.socket.terminate()
  three.child.kill('SIGCONT')
  await eventually(async () => await isReady(three.port))
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 1)
  witness.send(signal('w', 'p', 'meanwhile'))
  const back = await tomPeer(t, two.port, 'p')
  for (const payload of ['before', 'meanwhile']) t.match(await back.nextOf('signal'), { payload })
  await tomPeer(t, two.port, 'mark')
  await eventually(() => heard.every((news) => news.includes('join mark')))
  t.same(heard, [['join mark'], ['join mark']])
})

t.test('the node of a sender stands still when the grace of its receiver ends: the sender hears that later', async (t) => {
  const { nodes: [one, , three], redis } = await processes(t, { NODE_LEASE_MS: '1000', RESUME_GRACE_MS: '3000' })
  const witness = await tomPeer(t, one.port, 'w')
  const sender = await tomPeer(t, three.port, 's')
  const peer = await tomPeer(t, one.port, 'p')
  await heardOf(witness, 'p')
  const heard = listenTo(witness)
  peer.socket.terminate()
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 1)
  sender.send(signal('s', 'p', 'lost'))
  await eventually(async () => await redis.client.llen('{sb:0}:mail:tom\np') === 1)
  three.child.kill('SIGSTOP')
  await eventually(() => heard.length > 0)
  t.same(heard, ['leave p'])
  three.child.kill('SIGCONT')
  t.match(await sender.nextOf('error'), { error: 'peer not found' })
})

t.test('peers say goodbye while their node stands still: what was sent to them before is heard, or answered', async (t) => {
  const { nodes: [one, , three], redis } = await processes(t)
  const witness = await tomPeer(t, one.port, 'w')
  const ids = Array.from({ length: 10 }, (_, at) => `p${at}`)
  const peers = await Promise.all(ids.map(async (id) => await tomPeer(t, three.port, id)))
  three.child.kill('SIGSTOP')
  for (const id of ids) witness.send(signal('w', id, id))
  for (const { socket } of peers) socket.close(1000)
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === ids.length)
  three.child.kill('SIGCONT')
  await Promise.all(peers.map(async ({ closed }) => await closed))
  let heard = peers.flatMap((peer) => peer.taken()).filter(({ type }) => type === 'signal').length
  for (; heard < ids.length; heard++) t.match(await witness.nextOf('error'), { error: 'peer not found' })
})

t.test('Redis loses its data: who is away leaves, and its senders hear that', async (t) => {
  const { apps: [one, other], redis } = await nodesOn(t, 2, { RESUME_GRACE_MS: '60000', NODE_LEASE_MS: '1500' })
  const witness = await tomPeer(t, one as FastifyInstance, 'w')
  const peer = await tomPeer(t, other as FastifyInstance, 'p')
  await heardOf(witness, 'p')
  const heard = listenTo(witness)
  peer.socket.terminate()
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 1)
  witness.send(signal('w', 'p', 'lost'))
  await eventually(async () => await redis.client.llen('{sb:0}:mail:tom\np') === 1)
  await redis.client.flushall()
  t.match(await witness.nextOf('error') satisfies Frame, { error: 'peer not found' })
  await eventually(() => heard.length > 0)
  t.same(heard, ['leave p'])
})

t.test('mail that is found before its node hears that it is kept does not count for ever', async (t) => {
  const redis = await startRedis(t)
  const way = await wayTo(t, redis)
  const shared = { RESUME_GRACE_MS: '60000', NODE_LEASE_MS: '5000' }
  const one = await build(t, { REDIS_URL: way.url, ...shared })
  const other = await build(t, { REDIS_URL: redis.url, ...shared })
  const witness = await tomPeer(t, one, 'w')
  const peer = await tomPeer(t, other, 'p')
  await heardOf(witness, 'p')
  peer.socket.terminate()
  await eventually(async () => await redis.client.zcard('{sb:0}:away') === 1)
  way.freeze('answers')
  witness.send(signal('w', 'p', 'meanwhile'))
  await eventually(async () => await redis.client.llen('{sb:0}:mail:tom\np') === 1)
  const back = await tomPeer(t, other, 'p')
  t.match(await back.nextOf('signal'), { payload: 'meanwhile' })
  // This comes behind what Redis has told the node of the mail.
  back.send(signal('p', 'w', 'thanks'))
  await witness.nextOf('signal')
  t.match(one.state.size(), { mailboxes: 0 })
  way.thaw()
  witness.send(signal('w', 'p', 'again'))
  await back.nextOf('signal')
  witness.send(signal('w', 'nobody', 'the answer comes behind that to the mail'))
  await witness.nextOf('error')
  t.match(one.state.size(), { mailboxes: 0, mailboxBytes: 0 })
})

t.test('ends and returns that race leave one peer, or none, and nothing behind', async (t) => {
  const { apps, redis } = await nodesOn(t, 3, { RESUME_GRACE_MS: '2000', NODE_LEASE_MS: '1500' })
  const [one, two, three] = apps as [FastifyInstance, FastifyInstance, FastifyInstance]
  const witness = await tomPeer(t, three, 'w')
  const heard = listenTo(witness)
  let peer = await tomPeer(t, one, 'x')
  await eventually(() => heard.length === 1)
  for (let round = 0; round < 40; round++) {
    peer.socket.terminate()
    peer = await tomPeer(t, round % 2 === 0 ? two : one, 'x')
    witness.send(signal('w', 'x', round))
    t.match(await peer.nextOf('signal'), { payload: round })
  }
  t.same(heard, ['join x'])
  t.same((await redis.client.hkeys('{sb:0}:members:tom')).sort(), ['w', 'x'])
  peer.socket.terminate()
  await eventually(() => heard.length > 1)
  t.same(heard, ['join x', 'leave x'])
  t.same(await redis.client.hkeys('{sb:0}:members:tom'), ['w'])
  t.same(await redis.client.keys('*away*'), [])
})
