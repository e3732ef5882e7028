import t, { type Test } from 'tap'
import { Timers } from '../../src/timing/timers.js'

const tickMs = 50

/** Timers whose clock the test moves. */
function clocked (t: Test) {
  let now = 1_000_003
  const errors: unknown[] = []
  const timers = new Timers((error) => errors.push(error), tickMs, { now: () => now, timeOfDay: Date.now })
  t.teardown(() => timers.close())
  function pass (ms: number): void {
    now += ms
    timers.advance()
  }
  return { timers, pass, errors }
}

t.test('a call runs once, never early and at most a tick late', async (t) => {
  for (const ms of [0, 1, 49, 50, 51, 1000, 86_400_000]) {
    const { timers, pass } = clocked(t)
    let runs = 0
    timers.schedule(ms, () => runs++)
    if (ms > 0) pass(ms - 1)
    t.equal(runs, 0, `not before ${ms} ms`)
    pass(1 + tickMs)
    t.equal(runs, 1, `${ms} ms and a tick`)
    pass(10 * ms)
    t.equal(runs, 1, 'once')
  }
})

t.test('calls run in the order of their time', async (t) => {
  const { timers, pass } = clocked(t)
  const ran: string[] = []
  for (const ms of [500, 100, 300]) timers.schedule(ms, () => ran.push(String(ms)))
  timers.schedule(100, () => ran.push('100 again'))
  pass(1000)
  t.same(ran, ['100', '100 again', '300', '500'])
})

t.test('a cancelled call does not run, and cancelling twice or too late is nothing', async (t) => {
  const { timers, pass } = clocked(t)
  let runs = 0
  const cancelled = timers.schedule(100, () => { runs += 100 })
  const ran = timers.schedule(100, () => { runs++ })
  timers.cancel(cancelled)
  timers.cancel(cancelled)
  timers.cancel(undefined)
  t.equal(timers.size, 1)
  pass(200)
  timers.cancel(ran)
  t.equal(runs, 1)
  t.equal(timers.size, 0)
})

t.test('a call may cancel one that is due at the same time', async (t) => {
  const { timers, pass } = clocked(t)
  const ran: string[] = []
  timers.schedule(100, () => {
    ran.push('first')
    timers.cancel(second)
  })
  const second = timers.schedule(100, () => ran.push('second'))
  pass(200)
  t.same(ran, ['first'])
})

t.test('a call that schedules itself again does not keep the others waiting', async (t) => {
  const { timers, pass } = clocked(t)
  const ran: string[] = []
  const again = () => {
    ran.push('again')
    timers.schedule(0, again)
  }
  timers.schedule(0, again)
  timers.schedule(300, () => ran.push('other'))
  pass(3 * tickMs)
  t.ok(ran.length <= 4, 'once a tick at most')
  pass(400)
  t.ok(ran.includes('other'))
})

t.test('what a call throws is told, and the others run', async (t) => {
  const { timers, pass, errors } = clocked(t)
  const error = new Error('broken')
  let runs = 0
  timers.schedule(100, () => { throw error })
  timers.schedule(100, () => { runs++ })
  pass(200)
  t.same(errors, [error])
  t.equal(runs, 1)
})

t.test('after close nothing runs, not even what was due in the same tick', async (t) => {
  const { timers, pass } = clocked(t)
  const ran: string[] = []
  timers.schedule(100, () => {
    ran.push('first')
    timers.close()
  })
  timers.schedule(100, () => ran.push('second'))
  timers.schedule(200, () => ran.push('third'))
  pass(1000)
  t.same(ran, ['first'])
  t.equal(timers.size, 0)
})

t.test('a hundred thousand calls are scheduled, cancelled and run', async (t) => {
  const { timers, pass } = clocked(t)
  let runs = 0
  const all = Array.from({ length: 100_000 }, (_, at) => timers.schedule(at % 5000, () => runs++))
  for (let at = 0; at < all.length; at += 2) timers.cancel(all[at])
  t.equal(timers.size, 50_000)
  pass(5000 + tickMs)
  t.equal(runs, 50_000)
  t.equal(timers.size, 0)
})

t.test('the clock of the process runs calls by itself', async (t) => {
  const timers = new Timers((error) => { throw error })
  t.teardown(() => timers.close())
  // It does not keep the process alive, so something else must here.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(alive))
  const startedAt = performance.now()
  await new Promise<void>((resolve) => timers.schedule(120, resolve))
  t.ok(performance.now() - startedAt >= 120)
  t.equal(timers.size, 0)
  await new Promise<void>((resolve) => timers.schedule(10, resolve))
  t.pass('and starts again after it had nothing to do')
})
