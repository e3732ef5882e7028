import { setImmediate as nextIteration } from 'node:timers/promises'
import t from 'tap'
import { Turns } from '../../src/limits/turns.js'

// A rest keeps no process alive.
const alive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(alive))

/** A turn in which somebody is let in, and that takes so long with what it writes. Over when its writes are done. */
async function turnOf (turns: Turns, ms: number): Promise<void> {
  turns.enter()
  setImmediate(() => { for (const until = performance.now() + ms; performance.now() < until;); })
  for (let iteration = 0; iteration < 3; iteration++) await nextIteration()
}

t.test('all who come in one turn of the event loop are let in at once', async (t) => {
  const turns = new Turns()
  t.equal(turns.enter(), undefined)
  t.equal(turns.enter(), undefined)
})

t.test('who comes while a turn is written waits, and those who wait are let in together', async (t) => {
  const turns = new Turns()
  turns.enter()
  await nextIteration()
  const waiting = [turns.enter(), turns.enter(), turns.enter()]
  t.ok(waiting.every((entering) => entering instanceof Promise))
  let entered = 0
  for (const entering of waiting) entering?.then(() => { entered++ }, t.threw)
  await waiting[0]
  await Promise.resolve()
  t.equal(entered, 3)
})

t.test('after a turn that took long the next begins after as long a rest', async (t) => {
  const turns = new Turns()
  await turnOf(turns, 50)
  const restsFrom = performance.now()
  await turns.enter()
  const restedMs = performance.now() - restsFrom
  t.ok(restedMs > 40, `${restedMs} ms`)
})

t.test('after a short turn nobody waits', async (t) => {
  const turns = new Turns()
  let waited = 0
  for (let round = 0; round < 100; round++) {
    for (let iteration = 0; iteration < 3; iteration++) await nextIteration()
    if (turns.enter() !== undefined) waited++
  }
  t.ok(waited < 50, `${waited} of 100 have waited`)
})

t.test('who waits is let in although nobody else comes', async (t) => {
  const turns = new Turns()
  await turnOf(turns, 5)
  for (let round = 0; round < 3; round++) await turns.enter()
  t.pass()
})
