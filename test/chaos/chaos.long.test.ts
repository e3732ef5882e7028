import t from 'tap'
import { chaos, describe } from './chaos.js'

const minuteMs = 60_000

// `npm run chaos` does the same for longer, with other seeds, without a grace, and on a cluster of Redis.
t.test('a minute of faults: what a hundred clients have sent and heard is what was promised', { timeout: 4 * minuteMs }, async (t) => {
  const seed = 1
  const { violations, entries, faults, tally } = await chaos(t, {
    seed, ms: minuteMs, graceMs: 5_000, isCluster: false, log: (line) => t.comment(line)
  })
  t.comment(tally)
  t.equal(describe(violations), '', `seed ${seed}`)
  t.ok(faults.length > 4, 'there were faults')
  t.ok(entries.filter(({ kind }) => kind === 'hears').length > 2_000, 'and signals')
})
