import t from 'tap'
import { Histogram } from '../../src/telemetry/histogram.js'

t.test('a histogram counts, for each bound and for all, the values that are not above it', async (t) => {
  const histogram = new Histogram([1, 5, 10])
  t.same(histogram.cumulated(), [0, 0, 0, 0])
  for (const value of [0, 1, 1.5, 5, 7, 10, 10.5, 1000]) histogram.observe(value)
  t.same(histogram.cumulated(), [2, 4, 6, 8])
  t.equal(histogram.sum, 1035)
  t.same(histogram.bounds, [1, 5, 10])
  t.same(histogram.cumulated(), [2, 4, 6, 8], 'reading it changes nothing')
})
