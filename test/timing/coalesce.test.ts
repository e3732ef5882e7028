import t, { type Test } from 'tap'
import { coalesce } from '../../src/timing/coalesce.js'
import { Timers } from '../../src/timing/timers.js'

const tickMs = 50

/** A coalesced call that takes `runMs` by the clock that the test moves, and hands out so many bytes. */
function counted (t: Test, { runMs = 0, bytes = 0 } = {}) {
  let now = 0
  const errors: unknown[] = []
  const timers = new Timers((error) => errors.push(error), tickMs, { now: () => now, timeOfDay: Date.now })
  t.teardown(() => timers.close())
  const ranAt: number[] = []
  const run = { breaks: false }
  const { ask } = coalesce(timers, () => {
    ranAt.push(now)
    now += runMs
    if (run.breaks) throw new Error('broken')
    return bytes
  })
  function pass (ms: number): void {
    now += ms
    timers.advance()
  }
  return { ask, pass, ranAt, errors, run }
}

t.test('many requests are one run, within a tick', async (t) => {
  const { ask, pass, ranAt } = counted(t)
  for (let request = 0; request < 1000; request++) ask()
  t.same(ranAt, [], 'not at once')
  pass(tickMs)
  t.same(ranAt, [tickMs])
  pass(1000)
  t.equal(ranAt.length, 1, 'and none without a request')
})

t.test('a request after a run is another run', async (t) => {
  const { ask, pass, ranAt } = counted(t)
  ask()
  pass(tickMs)
  ask()
  pass(tickMs)
  t.equal(ranAt.length, 2)
})

t.test('a run that takes long is followed by a rest of four times as long', async (t) => {
  const { ask, pass, ranAt } = counted(t, { runMs: 100 })
  ask()
  pass(tickMs)
  ask()
  ask()
  pass(350)
  t.equal(ranAt.length, 1)
  pass(50 + tickMs)
  t.equal(ranAt.length, 2, 'and the last request is not forgotten')
})

t.test('a run that hands out many bytes is followed by a rest in which they can be written', async (t) => {
  const { ask, pass, ranAt } = counted(t, { bytes: 16 * 2 ** 20 })
  ask()
  pass(tickMs)
  ask()
  pass(900)
  t.equal(ranAt.length, 1)
  pass(100 + tickMs)
  t.equal(ranAt.length, 2)
})

t.test('a run that answers later is not begun again before it has, and what is asked for meanwhile comes after its rest', async (t) => {
  let now = 0
  const timers = new Timers((error) => { throw error }, tickMs, { now: () => now, timeOfDay: Date.now })
  t.teardown(() => timers.close())
  const pass = (ms: number) => {
    now += ms
    timers.advance()
  }
  const settle: Array<(bytes: number) => void> = []
  const list = coalesce(timers, async () => await new Promise<number>((resolve) => { settle.push(resolve) }))
  list.ask()
  t.ok(list.isDue)
  pass(tickMs)
  t.notOk(list.isDue)
  list.ask()
  t.ok(list.isDue)
  pass(10 * tickMs)
  t.equal(settle.length, 1)
  settle[0]?.(0)
  await new Promise((resolve) => setImmediate(resolve))
  pass(4 * 10 * tickMs + tickMs)
  t.equal(settle.length, 2)
})

t.test('a run that breaks does not end it', async (t) => {
  const { ask, pass, ranAt, errors, run } = counted(t)
  run.breaks = true
  ask()
  pass(tickMs)
  t.match(errors, [{ message: 'broken' }])
  run.breaks = false
  ask()
  pass(tickMs)
  t.equal(ranAt.length, 2)
})
