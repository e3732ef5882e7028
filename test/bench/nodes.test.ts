import t from 'tap'
import { table } from '../../bench/bench.js'
import { nodes } from '../../bench/nodes.js'

t.test('the bench of relay between nodes measures every case in turns and prints one table', async (t) => {
  const lines: string[] = []
  const result = await nodes.run({ rounds: 2, warmUpMs: 100, measureMs: 200, log: (line) => lines.push(line) })
  const cases = Object.keys(result.medians)
  t.equal(cases.length, 4)
  t.same(lines.map((line) => /^round (\d)/.exec(line)?.[1]), ['1', '1', '1', '1', '2', '2', '2', '2'])
  for (const [name, rounds] of Object.entries(result.rounds)) {
    t.equal(rounds.length, 2, name)
    for (const figures of rounds) t.ok((figures['messages/s'] ?? 0) > 0 && (figures['p99, ms'] ?? 0) >= (figures['p50, ms'] ?? NaN))
  }
  t.equal(table(result).split('\n').length, cases.length + 2)
})
