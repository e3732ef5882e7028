import t from 'tap'
import type { Sink } from '../../src/state/contract.js'
import { redisState } from '../../src/state/redis/state.js'
import { Timers } from '../../src/timing/timers.js'
import { wayTo } from '../cluster/nodes.js'
import { startRedis } from '../redis.js'

const log = { error: console.error, warn () {}, info () {}, debug () {} }
const mailboxes = { maxMessages: 8, maxBytes: 65_536, totalBytes: 1_048_576 }

t.test('an offer that its receiver does not take has failed, also when Redis goes away before the session has ended', async (t) => {
  const way = await wayTo(t, await startRedis(t))
  const timers = new Timers((error) => { throw error })
  const state = await redisState({ urls: [way.url], leaseMs: 30_000, mailboxes, timers, log })
  t.teardown(async () => {
    way.thaw()
    await state.close()
    timers.close()
  })
  const caller: Sink = { deliver: () => true, close () {}, seenAt: 0 }
  const receiver: Sink = {
    ...caller,
    deliver () {
      way.freeze('all')
      return false
    }
  }
  await state.peers.join({ room: 'drone', id: 'caller', sink: caller, replace: true })
  await state.peers.join({ room: 'drone', id: 'receiver', sink: receiver, replace: true })
  const frame = (session: string | undefined) => JSON.stringify({ type: 'offer', sessionId: session })
  const signal = { room: 'drone', from: 'caller', to: 'receiver', session: 's', begins: true, idleMs: 60_000, frame }
  t.equal(await state.sessions.send(signal), 'failed')
})
