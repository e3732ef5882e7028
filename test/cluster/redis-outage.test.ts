import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/settings.js'
import { createService } from '../../src/service.js'
import { build, type Client, connect } from '../helper.js'
import { type RedisServer, startRedis } from '../redis.js'
import { countersOf, eventually, heardOf, isReady, listenTo, signal, tomPeer, type Way, wayTo } from './nodes.js'

/** How far the clocks of two nodes may seem apart on a busy machine. In ms. */
const clockMs = 500
/** Shorter than the outages are. */
const leaseMs = 2_000
const backWithinMs = 5_000

interface Outage {
  readonly redis: RedisServer
  readonly ways: Way[]
}

/** Everything that must hold while Redis is away and once it is back. */
function outage (title: string, begin: (outage: Outage) => unknown, end: (t: Test, outage: Outage) => unknown): void {
  t.test(title, async (t) => {
    const redis = await startRedis(t)
    const ways = [await wayTo(t, redis), await wayTo(t, redis)]
    const apps = []
    for (const { url } of ways) apps.push(await build(t, { REDIS_URL: url, NODE_LEASE_MS: String(leaseMs) }))
    const [one, other] = apps as [FastifyInstance, FastifyInstance]
    const [a, a2, b] = [await tomPeer(t, one, 'a'), await tomPeer(t, one, 'a2'), await tomPeer(t, other, 'b')]
    const caller = await connect(t, one, '/peerjs?key=peerjs&id=caller&token=t')
    await caller.nextOf('OPEN')
    const { host, local, guest } = await room(t, one, other)
    await heardOf(a, 'b')
    const heard = [a, b].map(listenTo)

    await begin({ redis, ways })
    await eventually(async () => !await isReady(one) && !await isReady(other))
    t.equal((await fetch(`http://127.0.0.1:${(one.server.address() as { port: number }).port}/health`)).status, 200)
    a.send(signal('a', 'a2', 'near'))
    t.match(await a2.nextOf('signal'), { payload: 'near' }, 'peers of one node reach each other')
    const askedAt = performance.now()
    a.send(signal('a', 'b', 'far'))
    t.match(await a.nextOf('error'), { error: 'peer not found' })
    caller.send({ type: 'OFFER', dst: 'nobody', payload: 0 })
    t.match(await caller.nextOf('EXPIRE'), { src: 'nobody' })
    const founder = await connect(t, one, '/rooms')
    founder.send({ type: 'create' })
    t.match(await founder.nextOf('error'), { message: 'No room available' })
    host.send({ type: 'signal', payload: 'near' })
    t.match(await local.nextOf('signal'), { payload: 'near' })
    t.ok(performance.now() - askedAt < 1_000, 'and nothing waits')
    const earlier = await tomPeer(t, one, 'dup')
    // A node knows the clock of Redis as exactly as the answers to its renewals were fast.
    const registeredAt = performance.now()
    await eventually(() => performance.now() - registeredAt > clockMs)
    const later = await tomPeer(t, other, 'dup')

    await end(t, { redis, ways })
    const backAt = performance.now()
    await eventually(async () => await isReady(one) && await isReady(other))
    const ms = performance.now() - backAt
    t.ok(ms < backWithinMs, `ready again after ${Math.round(ms)} ms`)
    a.send(signal('a', 'b', 'again'))
    t.match(await b.nextOf('signal'), { payload: 'again' })
    b.send(signal('b', 'a', 'and back'))
    t.match(await a.nextOf('signal'), { payload: 'and back' })
    host.send({ type: 'signal', payload: 'again' })
    t.match(await guest.nextThat(({ payload }) => payload === 'again'), { type: 'signal' })
    t.equal((await earlier.closed).code, 4000, 'of two registrations of one id the later holds')
    a.send(signal('a', 'dup', 'who'))
    t.match(await later.nextOf('signal'), { payload: 'who' })

    // Waits until all replicas have been compared with Redis again.
    await eventually(() => performance.now() - backAt > backWithinMs + leaseMs)
    const last = await tomPeer(t, other, 'last')
    await eventually(() => heard.every((news) => news.includes('join last')))
    for (const news of heard) t.same(news.filter((what) => !what.endsWith(' dup')), ['join last'], 'nobody else came or went')
    t.notOk(heard.flat().includes('leave dup'))
    for (const [name, { socket }] of Object.entries({ a, a2, b, caller, host, local, guest, last })) {
      t.equal(socket.readyState, socket.OPEN, `${name} never lost its connection`)
    }
    for (const app of apps) t.ok(countersOf(app).reconnects > 0)
  })
}

async function room (t: Test, one: FastifyInstance, other: FastifyInstance): Promise<{ host: Client, local: Client, guest: Client }> {
  const [host, local, guest] = [await connect(t, one, '/rooms'), await connect(t, one, '/rooms'), await connect(t, other, '/rooms')]
  host.send({ type: 'create' })
  const { roomId } = await host.nextOf('room_created')
  for (const client of [local, guest]) {
    client.send({ type: 'join', roomId })
    await client.nextOf('room_joined')
  }
  return { host, local, guest }
}

outage('Redis is stopped and comes back empty',
  ({ redis }) => redis.process.kill('SIGKILL'),
  async (t, { redis }) => await startRedis(t, redis.port))

outage('the way to Redis swallows everything without closing, and passes everything on later',
  ({ ways }) => { for (const way of ways) way.freeze('all') },
  (_t, { ways }) => { for (const way of ways) way.thaw() })

outage('Redis is paused and goes on',
  ({ redis }) => redis.process.kill('SIGSTOP'),
  (_t, { redis }) => redis.process.kill('SIGCONT'))

t.test('each signal that was on its way when Redis stopped answering is answered with the error', async (t) => {
  const redis = await startRedis(t)
  const env = { REDIS_URL: redis.url, MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' }
  const [one, other] = [await build(t, env), await build(t, env)]
  const [a, b] = [await tomPeer(t, one, 'a'), await tomPeer(t, other, 'b')]
  const sent = 3_000
  let refused = 0
  a.socket.on('message', (data) => { if (String(data).includes('peer not found')) refused++ })
  redis.process.kill('SIGSTOP')
  for (let at = 0; at < sent; at++) a.send(signal('a', 'b', 'x'.repeat(1_000)))
  await eventually(() => refused === sent)
  redis.process.kill('SIGCONT')
  await eventually(async () => await isReady(one) && await isReady(other))
  a.send(signal('a', 'b', 'last'))
  t.match(await b.nextOf('signal'), { payload: 'last' }, 'and came too late for its receiver')
})

t.test('when Redis stands still for longer than all leases nobody is announced as gone', async (t) => {
  const leaseMs = 1_000
  const redis = await startRedis(t)
  const env = { REDIS_URL: redis.url, NODE_LEASE_MS: String(leaseMs) }
  const [one, other] = [await build(t, env), await build(t, env)]
  const [a, b] = [await tomPeer(t, one, 'a'), await tomPeer(t, other, 'b')]
  await heardOf(a, 'b')
  const heard = [a, b].map(listenTo)
  redis.process.kill('SIGSTOP')
  const stoodAt = performance.now()
  await eventually(() => performance.now() - stoodAt > 1.2 * leaseMs)
  redis.process.kill('SIGCONT')
  await eventually(async () => await isReady(one) && await isReady(other))
  a.send(signal('a', 'b', 'again'))
  t.match(await b.nextOf('signal'), { payload: 'again' })
  await tomPeer(t, other, 'last')
  await eventually(() => heard.every((news) => news.includes('join last')))
  t.same(heard, [['join last'], ['join last']])
})

t.test('a connection that listens but hears nothing any more is found out and replaced', async (t) => {
  const redis = await startRedis(t)
  const way = await wayTo(t, redis)
  const one = await build(t, { REDIS_URL: way.url })
  const other = await build(t, { REDIS_URL: redis.url })
  const [a, a2, b] = [await tomPeer(t, one, 'a'), await tomPeer(t, one, 'a2'), await tomPeer(t, other, 'b')]
  await heardOf(a, 'b')
  const heard = [a, b].map(listenTo)
  way.freeze('listening')
  await eventually(async () => !await isReady(one))
  a.send(signal('a', 'a2', 'near'))
  t.match(await a2.nextOf('signal'), { payload: 'near' })
  const foundAt = performance.now()
  await eventually(async () => await isReady(one))
  t.ok(performance.now() - foundAt < backWithinMs)
  b.send(signal('b', 'a', 'again'))
  t.match(await a.nextOf('signal'), { payload: 'again' })
  t.ok(await isReady(other), 'the other node noticed nothing')
  t.same(heard, [[], []])
})

t.test('a node that starts without Redis serves its own peers, and joins the others once Redis is there', async (t) => {
  const { port, process, url } = await startRedis(t)
  process.kill('SIGKILL')
  const app = createService(readConfig({ REDIS_URL: url, LOG_LEVEL: 'silent' }, []))
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.notOk(await isReady(app))
  const [a, b] = [await tomPeer(t, app, 'a'), await tomPeer(t, app, 'b')]
  a.send(signal('a', 'b', 1))
  t.match(await b.nextOf('signal'), { payload: 1 })
  await startRedis(t, port)
  await eventually(async () => await isReady(app))
  const c = await tomPeer(t, await build(t, { REDIS_URL: url }), 'c')
  c.send(signal('c', 'a', 2))
  t.match(await a.nextOf('signal'), { payload: 2 })
})
