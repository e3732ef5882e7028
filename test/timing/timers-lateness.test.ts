import { once } from 'node:events'
import t from 'tap'
import { Timers } from '../../src/timing/timers.js'

t.test('a call runs at most one tick late, whatever the phase in which the clock was started', async (t) => {
  const tickMs = 200
  const startedAt = performance.now()
  // Three quarters into a tick.
  const timers = new Timers((error) => t.fail(String(error)), tickMs, {
    now: () => performance.now() - startedAt + 150,
    timeOfDay: Date.now
  })
  t.teardown(() => timers.close())
  const done = new EventTarget()
  timers.schedule(60, () => done.dispatchEvent(new Event('ran')))
  // The clock keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(alive))
  await once(done, 'ran')
  const elapsedMs = performance.now() - startedAt
  t.ok(elapsedMs >= 60, 'never early')
  t.ok(elapsedMs < 60 + tickMs + 50, `it took ${elapsedMs} ms`)
})
