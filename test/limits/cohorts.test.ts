import { setImmediate as nextIteration } from 'node:timers/promises'
import t from 'tap'
import { Cohorts } from '../../src/limits/cohorts.js'
import { standStill } from '../timing/stand-still.js'

// A rest keeps no process alive.
const alive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(alive))

/** A cohort of one that takes so long with what it writes. Over when its writes are done. */
async function cohortOf (cohorts: Cohorts, ms: number): Promise<void> {
  cohorts.enter()
  setImmediate(standStill, ms)
  for (let iteration = 0; iteration < 3; iteration++) await nextIteration()
}

t.test('all who come in one turn of the event loop are let in at once', async (t) => {
  const cohorts = new Cohorts()
  t.equal(cohorts.enter(), undefined)
  t.equal(cohorts.enter(), undefined)
})

t.test('who comes while a cohort is written waits, and those who wait are let in together', async (t) => {
  const cohorts = new Cohorts()
  cohorts.enter()
  await nextIteration()
  const waiting = [cohorts.enter(), cohorts.enter(), cohorts.enter()]
  t.ok(waiting.every((entering) => entering instanceof Promise))
  let entered = 0
  for (const entering of waiting) entering?.then(() => { entered++ }, t.threw)
  await waiting[0]
  await Promise.resolve()
  t.equal(entered, 3)
})

t.test('after a cohort that took long the next begins after as long a rest', async (t) => {
  const cohorts = new Cohorts()
  await cohortOf(cohorts, 50)
  const restsFrom = performance.now()
  await cohorts.enter()
  const restedMs = performance.now() - restsFrom
  t.ok(restedMs > 40, `${restedMs} ms`)
})

t.test('after a short turn nobody waits', async (t) => {
  const cohorts = new Cohorts()
  // A turn is as short as the machine has time for it: of so many, some are.
  let inARow = 0
  for (let round = 0; round < 10_000 && inARow < 3; round++) {
    for (let iteration = 0; iteration < 3; iteration++) await nextIteration()
    const entering = cohorts.enter()
    inARow = entering === undefined ? inARow + 1 : 0
    await entering
  }
  t.equal(inARow, 3)
})

t.test('who waits is let in although nobody else comes', async (t) => {
  const cohorts = new Cohorts()
  await cohortOf(cohorts, 5)
  for (let round = 0; round < 3; round++) await cohorts.enter()
  t.pass()
})

t.test('a process that stood still does not rest for as long once more', async (t) => {
  const cohorts = new Cohorts()
  await cohortOf(cohorts, 1_500)
  const restsFrom = performance.now()
  await cohorts.enter()
  t.ok(performance.now() - restsFrom < 1_400)
})
