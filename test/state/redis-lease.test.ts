import t from 'tap'
import type { Sink } from '../../src/state/contract.js'
import { redisState } from '../../src/state/redis/state.js'
import { Timers } from '../../src/timing/timers.js'
import { eventually, wayTo } from '../cluster/nodes.js'
import { startRedis } from '../redis.js'

const log = { error: console.error, warn () {}, info () {}, debug () {} }
const leaseMs = 30_000
const mailboxes = { maxMessages: 8, maxBytes: 65_536, totalBytes: 1_048_576 }

t.test('who joins after the lease has lapsed is registered, though a renewal sent before is answered later', async (t) => {
  const redis = await startRedis(t)
  const way = await wayTo(t, redis)
  let now = 0
  const timers = new Timers((error) => { throw error }, 25, { now: () => now, timeOfDay: Date.now })
  const state = await redisState({ urls: [way.url], leaseMs, mailboxes, timers, log })
  t.teardown(async () => {
    await state.close()
    timers.close()
  })
  const sink: Sink = { deliver: () => true, close () {}, seenAt: 0 }
  const isRegistered = async (id: string) => await redis.client.hexists('{sb:0}:members:tom', id) === 1
  await state.peers.join({ room: 'tom', id: 'early', sink, replace: true })
  t.equal(await isRegistered('early'), true)

  way.freeze('all')
  now += leaseMs / 2
  timers.advance()
  now += leaseMs / 2
  t.equal(state.isReady, false, 'the lease has lapsed, by the clock of the node')
  t.match(await state.peers.join({ room: 'tom', id: 'late', sink, replace: true }), { outcome: 'joined' })
  way.thaw()
  await eventually(() => state.counters.renewals > 1)
  await eventually(async () => await isRegistered('late'), 5_000)
  await eventually(() => state.isReady)
})
