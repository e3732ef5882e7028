import t from 'tap'
import { memoryState } from '../../../src/state/memory.js'
import { Timers } from '../../../src/timers.js'

t.test('attempts are counted in a window that begins with the first', async (t) => {
  let now = 0
  const timers = new Timers((error) => t.fail(String(error)), 50, () => now)
  t.teardown(() => timers.close())
  const { attempts } = memoryState(timers, { maxMessages: 1, maxBytes: 1, totalBytes: 1 })
  t.equal(await attempts.count('x'), 0)
  t.equal(await attempts.add('x', 1000), 1)
  now = 900
  timers.advance()
  t.equal(await attempts.add('x', 1000), 2)
  t.equal(await attempts.count('x'), 2)
  now = 1000
  timers.advance()
  t.equal(await attempts.count('x'), 0, 'the second does not prolong it')
  t.equal(await attempts.add('x', 1000), 1)
})

t.test('attempts of one key are not those of another, whatever its name', async (t) => {
  const timers = new Timers((error) => t.fail(String(error)))
  t.teardown(() => timers.close())
  const { attempts } = memoryState(timers, { maxMessages: 1, maxBytes: 1, totalBytes: 1 })
  t.equal(await attempts.add('__proto__', 1000), 1)
  t.equal(await attempts.add('__proto__', 1000), 2)
  t.equal(await attempts.count('constructor'), 0)
  t.equal(await attempts.add('x', 1000), 1)
})
