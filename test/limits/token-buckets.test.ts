import t from 'tap'
import { TokenRate } from '../../src/limits/token-bucket.js'
import { TokenBuckets } from '../../src/limits/token-buckets.js'

t.test('each key has a bucket of its own, which fills again', async (t) => {
  const buckets = new TokenBuckets(new TokenRate(10, 2))
  t.same([1, 2, 3].map(() => buckets.take('a', 1000)), [true, true, false])
  t.equal(buckets.isEmpty('a', 1000), true)
  t.equal(buckets.isEmpty('b', 1000), false)
  t.equal(buckets.take('b', 1000), true)
  t.equal(buckets.take('a', 1100), true)
  t.equal(buckets.take('a', 1100), false)
})

t.test('full buckets are forgotten', async (t) => {
  const buckets = new TokenBuckets(new TokenRate(10, 2))
  buckets.take('a', 1000)
  buckets.take('b', 1100)
  buckets.sweep(1150)
  t.equal(buckets.size, 1)
  buckets.sweep(1200)
  t.equal(buckets.size, 0)
})

t.test('a flood of keys does not make it grow without end', async (t) => {
  const buckets = new TokenBuckets(new TokenRate(0.001, 1))
  for (let n = 0; n < 200_000; n++) buckets.take(String(n), 1000)
  t.ok(buckets.size <= 65_536)
  t.equal(buckets.take('199999', 1000), false, 'who came last is remembered')
})
