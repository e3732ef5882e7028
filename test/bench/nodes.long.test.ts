import t from 'tap'
import { measure } from '../../bench/bench.js'
import { nodes } from '../../bench/nodes.js'
import { table } from '../../bench/table.js'

t.test('the bench of relay between nodes measures every case in turns and prints its goals', async (t) => {
  const lines: string[] = []
  const result = await measure(
    nodes,
    { rounds: 2, mostRounds: 2, warmUpMs: 100, measureMs: 200, churnMs: 0, isSmall: true, node: undefined },
    (line) => lines.push(line)
  )
  t.equal(result.rows.length, 6)
  t.same(lines.map((line) => /round (\d)/.exec(line)?.[1]), ['1', '1', '1', '1', '1', '1', '2', '2', '2', '2', '2', '2'])
  for (const { name, rounds } of result.rows) {
    t.equal(rounds.length, 2, name)
    for (const figures of rounds) t.ok((figures['messages/s'] ?? 0) > 0 && (figures['p99, ms'] ?? 0) >= (figures['p50, ms'] ?? NaN))
  }
  const goals = table(result).split('\n').filter((line) => /[≤≥]/.test(line))
  t.equal(goals.length, 3)
})
