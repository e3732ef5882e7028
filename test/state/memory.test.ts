import t from 'tap'
import { memoryState } from '../../src/state/memory/state.js'
import { Timers } from '../../src/timing/timers.js'
import { type MakeState, stateContract } from './contract.js'
import { graceContract } from './grace.js'

const makeState: MakeState = (t, limits) => {
  let now = 1_000_000
  const timers = new Timers((error) => { throw error }, 50, { now: () => now, timeOfDay: Date.now })
  const state = memoryState(timers, limits)
  t.teardown(async () => {
    await state.close()
    timers.close()
  })
  const pass = (ms: number) => {
    now += ms
    timers.advance()
  }
  return { state, pass }
}

stateContract(t, makeState)

graceContract(t, async (t, limits) => {
  const { state, pass } = await makeState(t, limits)
  return { one: state, other: state, pass }
})

t.test('nothing waits on the clock once everything has expired', async (t) => {
  let now = 0
  const timers = new Timers((error) => { throw error }, 50, { now: () => now, timeOfDay: Date.now })
  t.teardown(() => timers.close())
  const { peers, rooms, relay, attempts } = memoryState(timers, { maxMessages: 1, maxBytes: 100, totalBytes: 10_000 })
  const sink = { deliver: () => true, close () {}, seenAt: 0 }
  const code = await rooms.open({ prefix: 'rooms/', digits: 4, idleMs: 1000, emptyMs: 500 })
  await peers.join({ room: `rooms/${code}`, id: 'a', sink, replace: true, requireOpen: true })
  await relay.sendOrKeep({ room: 'peerjs/k', from: 'a', to: 'b', frame: '', keepMs: 500, expired: () => '' })
  await attempts.begin('key', { failures: 1, windowMs: 1000 })
  t.equal(timers.size, 3)
  now = 1100
  timers.advance()
  t.equal(timers.size, 0)
})
