import t from 'tap'
import { retryAfter } from '../../src/limits/retry-after.js'

t.test('who is refused together comes back spread over half as long again, and over 4 s at least', async (t) => {
  for (const [leastS, mostS] of [[1, 5], [5, 9], [60, 90]] as const) {
    t.equal(retryAfter(leastS, () => 0), String(leastS))
    t.equal(retryAfter(leastS, () => 0.999), String(mostS))
  }
  t.ok(new Set(Array.from({ length: 200 }, () => retryAfter(10))).size > 3)
})
