import t, { type Test } from 'tap'
import type { Sink } from '../../src/state/contract.js'
import { redisState } from '../../src/state/redis/state.js'
import { Timers } from '../../src/timing/timers.js'
import { eventually, wayTo } from '../cluster/nodes.js'
import { startRedis } from '../redis.js'

const log = { error: console.error, warn () {}, info () {}, debug () {} }
const leaseMs = 30_000
const mailboxes = { maxMessages: 8, maxBytes: 65_536, totalBytes: 1_048_576 }

const sink: Sink = { deliver: () => true, close () {}, seenAt: 0 }

/** A node on Redis, whose clock is put ahead by `lapse`: its lease has lapsed then, and nothing reaches Redis until `thaw`. */
async function nodeOn (t: Test) {
  const redis = await startRedis(t)
  const way = await wayTo(t, redis)
  let now = 0
  const timers = new Timers((error) => { throw error }, 25, { now: () => now, timeOfDay: Date.now })
  const state = await redisState({ urls: [way.url], leaseMs, mailboxes, timers, log })
  t.teardown(async () => {
    await state.close()
    timers.close()
  })
  return {
    redis,
    state,
    thaw: () => way.thaw(),
    lapse () {
      way.freeze('all')
      now += leaseMs / 2
      timers.advance()
      now += leaseMs / 2
      t.equal(state.isReady, false, 'the lease has lapsed, by the clock of the node')
    }
  }
}

t.test('who joins after the lease has lapsed is registered, though a renewal sent before is answered later', async (t) => {
  const { redis, state, lapse, thaw } = await nodeOn(t)
  const isRegistered = async (id: string) => await redis.client.hexists('{sb:0}:members:tom', id) === 1
  await state.peers.join({ room: 'tom', id: 'early', sink, replace: true })
  t.equal(await isRegistered('early'), true)

  lapse()
  t.match(await state.peers.join({ room: 'tom', id: 'late', sink, replace: true }), { outcome: 'joined' })
  thaw()
  await eventually(() => state.counters.renewals > 1)
  await eventually(async () => await isRegistered('late'), 5_000)
  await eventually(() => state.isReady)
})

t.test('a room is opened and entered, though the node has to take its lease again first', async (t) => {
  const { state, lapse, thaw } = await nodeOn(t)
  const enter = async (code: string, id: string) =>
    await state.peers.join({ room: `rooms/${code}`, id, sink, replace: false, requireOpen: true, maxMembers: 8 })
  const lifetime = { prefix: 'rooms/', digits: 4, idleMs: 60_000, emptyMs: 60_000 }
  const code = await state.rooms.open(lifetime) as string
  t.match(await enter(code, 'early'), { outcome: 'joined' })

  lapse()
  const [opened, entered] = [state.rooms.open(lifetime), enter(code, 'late')]
  thaw()
  t.match(await opened, /^\d{4}$/)
  t.match(await entered, { outcome: 'joined' })
})
