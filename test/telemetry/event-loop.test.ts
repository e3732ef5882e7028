import t from 'tap'
import { EventLoop, type LoopReport } from '../../src/telemetry/event-loop.js'
import { standStill } from '../timing/stand-still.js'

t.test('a loop that takes 150 ms to go round is so much behind, and not more', async (t) => {
  const loop = new EventLoop()
  t.teardown(() => loop.close())
  const blocking = setInterval(standStill, 1, 150)
  t.teardown(() => clearInterval(blocking))
  const reports = await new Promise<LoopReport[]>((resolve) => {
    const reports: LoopReport[] = []
    loop.onReport((report) => { if (reports.push(report) === 2) resolve(reports) })
  })
  for (const { delayMs, utilization } of reports) {
    t.ok(delayMs > 75 && delayMs < 750, `${delayMs} ms`)
    t.ok(utilization > 0.5)
  }
})

t.test('an idle loop is not behind', async (t) => {
  const loop = new EventLoop()
  t.teardown(() => loop.close())
  // The loop's own timers do not keep the process.
  const keeping = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(keeping))
  const { delayMs } = await new Promise<LoopReport>((resolve) => loop.onReport(resolve))
  t.ok(delayMs < 100, `${delayMs} ms`)
})
