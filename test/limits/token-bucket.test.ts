import t from 'tap'
import { TokenRate, TokenBucket } from '../../src/limits/token-bucket.js'

/** How many tokens are there at once. */
function takeAll (throttle: TokenBucket, now: number): number {
  let taken = 0
  while (throttle.take(now)) taken++
  return taken
}

t.test('a burst is there from the start, and not one more', async (t) => {
  t.equal(takeAll(new TokenBucket(new TokenRate(10, 5)), 0), 5)
})

t.test('tokens come back at the rate', async (t) => {
  const throttle = new TokenBucket(new TokenRate(10, 5))
  takeAll(throttle, 0)
  t.equal(throttle.take(99), false)
  t.equal(throttle.take(100), true)
  t.equal(throttle.take(100), false)
  t.equal(takeAll(throttle, 400), 3)
})

t.test('fractions of a token add up, however often one asks', async (t) => {
  const throttle = new TokenBucket(new TokenRate(10, 1))
  takeAll(throttle, 0)
  let taken = 0
  for (let now = 1; now <= 10_000; now++) if (throttle.take(now)) taken++
  t.ok(taken >= 99 && taken <= 100, `${taken} of 100`)
})

t.test('never more than the burst is held', async (t) => {
  const throttle = new TokenBucket(new TokenRate(10, 5))
  takeAll(throttle, 0)
  t.equal(takeAll(throttle, 3_600_000), 5)
})

t.test('a token that was given back is there', async (t) => {
  const throttle = new TokenBucket(new TokenRate(10, 5))
  takeAll(throttle, 0)
  throttle.refund()
  t.equal(takeAll(throttle, 0), 1)
})

t.test('after waitMs there is a token, and not before', async (t) => {
  const rate = new TokenRate(10, 1)
  const fullAt = rate.taken(0, 30)
  const waitMs = rate.waitMs(fullAt, 50)
  t.ok(rate.waitMs(fullAt, 50 + waitMs - 1) > 0)
  t.equal(rate.waitMs(fullAt, 50 + waitMs), 0)
})

t.test('there is nothing to wait for while tokens are left', async (t) => {
  const rate = new TokenRate(10, 5)
  t.equal(rate.waitMs(rate.taken(0, 0), 0), 0)
})

t.test('a token that was overdrawn is waited for, too', async (t) => {
  const rate = new TokenRate(10, 5)
  let fullAt = 0
  for (let token = 0; token < 8; token++) fullAt = rate.taken(fullAt, 0)
  t.equal(rate.waitMs(fullAt, 0), 400)
  t.ok(rate.waitMs(fullAt, 399) > 0)
  t.equal(rate.waitMs(fullAt, 400), 0)
})

t.test('times that do not add up to the last bit take no token away', async (t) => {
  const taken = Array.from({ length: 1000 }, (_, at) => takeAll(new TokenBucket(new TokenRate(200, 400)), at * Math.PI))
  t.ok(taken.every((tokens) => tokens === 400))
})
