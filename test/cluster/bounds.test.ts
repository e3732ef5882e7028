import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { closeCodes } from '../../src/frame/close-codes.js'
import type { JoinOutcome, JoinRequest, Peer, Sink, Watcher } from '../../src/state/contract.js'
import { build, connect } from '../helper.js'
import { startRedis } from '../redis.js'
import { eventually, wayTo } from './nodes.js'

/** Shorter than the outages are. */
const leaseMs = 2_000
const room = 'duo/x'

/** The receiving end of a peer, as a socket would be. */
class Seat implements Sink {
  readonly closes: number[] = []
  readonly seenAt = 0

  deliver (): boolean {
    return true
  }

  close (code: number): void {
    this.closes.push(code)
  }
}

async function join (app: FastifyInstance, id: string, more: Partial<JoinRequest> = {}): Promise<JoinOutcome> {
  return await app.state.peers.join({ room, id, sink: new Seat(), replace: true, maxMembers: 2, ...more })
}

const areReady = (...apps: FastifyInstance[]) => apps.every(({ state }) => state.isReady)

const idsIn = async ({ state }: FastifyInstance) => (await state.peers.list(room)).map(({ id }) => id).sort()

/** Two nodes, the first of them with a way to Redis that can be held up. */
async function pair (t: Test, env: Record<string, string> = {}) {
  const redis = await startRedis(t)
  const way = await wayTo(t, redis)
  const one = await build(t, { REDIS_URL: way.url, NODE_LEASE_MS: String(leaseMs), ...env })
  const other = await build(t, { REDIS_URL: redis.url, NODE_LEASE_MS: String(leaseMs), ...env })
  return { redis, way, one, other }
}

t.test('a room of two has never more than two members, whoever joins on either node while Redis is away', async (t) => {
  const { redis, one, other } = await pair(t)
  t.match(await join(one, 'a'), { outcome: 'joined' })
  redis.process.kill('SIGSTOP')
  t.same(await join(other, 'b'), { outcome: 'unavailable' }, 'Redis has not answered in time')
  await eventually(() => !one.state.isReady && !other.state.isReady)
  for (const app of [one, other]) {
    t.same(await join(app, 'c'), { outcome: 'unavailable' })
    t.match(await join(app, 'd', { room: 'duo/unbounded', maxMembers: undefined as never }), { outcome: 'joined' })
    t.match(await join(app, 'e', { room: 'duo/soft', mayExceed: true }), { outcome: 'joined' })
  }
  redis.process.kill('SIGCONT')
  await eventually(() => areReady(one, other))
  const outcomes = []
  for (const [at, app] of [one, other, one, other].entries()) outcomes.push((await join(app, `late ${at}`)).outcome)
  t.same(outcomes, ['joined', 'full', 'full', 'full'])
  t.same(await idsIn(one), ['a', 'late 0'])
})

t.test('a room code is not found while Redis is away, and after that it is as full as before', async (t) => {
  const { redis, one, other } = await pair(t, { ROOM_MAX_CLIENTS: '2' })
  const host = await connect(t, one, '/rooms')
  host.send({ type: 'create' })
  const { roomId } = await host.nextOf('room_created')
  redis.process.kill('SIGSTOP')
  await eventually(() => !one.state.isReady && !other.state.isReady)
  const guests = []
  for (const app of [one, other, one]) guests.push(await connect(t, app, '/rooms'))
  for (const guest of guests) {
    guest.send({ type: 'join', roomId })
    t.match(await guest.next(), { type: 'error', message: 'Room not found' })
  }
  redis.process.kill('SIGCONT')
  await eventually(() => areReady(one, other))
  const answers = []
  for (const guest of guests) {
    guest.send({ type: 'join', roomId })
    answers.push((await guest.next()).type)
  }
  t.same(answers, ['room_joined', 'error', 'error'])
})

t.test('a join that Redis carried out but could not answer is undone once Redis is back', async (t) => {
  const { redis, way, one, other } = await pair(t)
  const heard = [one, other].map(({ state }) => {
    const news: string[] = []
    const [joined, left] = ['joined', 'left'].map((what) => (_room: string, { id }: Peer) => { news.push(`${what} ${id}`) })
    state.peers.watch('duo', { joined, left } as Watcher)
    return news
  })
  for (const [at, app] of [one, other].entries()) t.match(await join(app, `a${at}`, { maxMembers: 3 }), { outcome: 'joined' })
  await eventually(() => heard.every((news) => news.length === 2))
  way.freeze('answers')
  t.same(await join(one, 'b', { maxMembers: 3 }), { outcome: 'unavailable' })
  t.equal(await redis.client.hlen(`{sb:0}:members:${room}`), 3, 'Redis has it')
  t.equal(one.state.size().peers, 1)
  await eventually(() => one.state.isReady)
  t.equal(await redis.client.hlen(`{sb:0}:members:${room}`), 2)
  await eventually(() => heard.every((news) => news.at(-1) === 'left b'))
  t.same(heard[1], ['joined a0', 'joined a1', 'joined b', 'left b'])
  t.match(await join(one, 'c', { maxMembers: 3 }), { outcome: 'joined' })
  t.same(await idsIn(one), ['a0', 'a1', 'c'])
})

t.test('a member whose join under another or the same id was not answered stays what it was', async (t) => {
  for (const id of ['a', 'b']) {
    const { way, one, other } = await pair(t)
    one.state.peers.watch('duo', {})
    const sink = new Seat()
    const joined = await join(one, 'a', { sink })
    if (joined.outcome !== 'joined') return t.fail(joined.outcome)
    way.freeze('answers')
    t.same(await join(one, id, { sink, leaving: joined.member }), { outcome: 'unavailable' })
    await eventually(() => one.state.isReady)
    await eventually(async () => String(await idsIn(one)) === 'a' && String(await idsIn(other)) === 'a')
    t.same(sink.closes, [])
    t.equal(await one.state.peers.leave(joined.member), true)
    t.same(await idsIn(other), [])
  }
})

t.test('after Redis has lost its data nobody takes the place of members who are not restored yet', async (t) => {
  const { redis, way, one, other } = await pair(t)
  const [a, b] = [new Seat(), new Seat()]
  await join(one, 'a', { sink: a })
  await join(other, 'b', { sink: b })
  redis.process.kill('SIGKILL')
  await eventually(() => !one.state.isReady && !other.state.isReady)
  way.freeze('all')
  await startRedis(t, redis.port)
  await eventually(() => other.state.isReady)
  t.same(await join(other, 'c'), { outcome: 'unavailable' })
  const founder = await connect(t, other, '/rooms')
  founder.send({ type: 'create' })
  t.match(await founder.next(), { type: 'room_created' }, 'a new room has no members to be restored')
  way.thaw()
  await eventually(() => one.state.isReady)
  await eventually(async () => (await join(other, 'c')).outcome === 'full')
  t.same(await idsIn(one), ['a', 'b'])
  t.same([a.closes, b.closes], [[], []])
})

t.test('a node that was cut off for longer than its lease closes members whose places others have by now', async (t) => {
  const { way, one, other } = await pair(t)
  const [a, b] = [new Seat(), new Seat()]
  await join(one, 'a', { sink: a })
  await join(other, 'b', { sink: b })
  way.freeze('all')
  await eventually(async () => (await join(other, 'c')).outcome === 'joined')
  way.thaw()
  await eventually(() => one.state.isReady)
  t.same([a.closes, b.closes], [[closeCodes.timeout], []])
  t.same(await idsIn(one), ['b', 'c'])
})
