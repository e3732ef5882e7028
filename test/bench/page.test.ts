import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Result } from '../../bench/bench.js'
import { withTables } from '../../bench/page.js'
import { latest } from '../../bench/results.js'
import { table } from '../../bench/table.js'

const page = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8')

t.test('the page has the tables of the latest results, and a place for every one of them', async (t) => {
  t.equal(page, withTables(page), 'npm run bench -- --page prints it')
  for (const name of Object.keys(latest())) t.ok(page.includes(`<!-- bench ${name}: `), name)
})

t.test('a table tells medians, ratios round by round, and which goals are met', async (t) => {
  const result: Result = {
    title: 'Relay',
    setting: {},
    figure: 'CPU',
    rows: [
      { name: 'by hand', rounds: [{ CPU: 10, 'server, %': 90, 'load, %': 40 }, { CPU: 20, 'server, %': 90, 'load, %': 40 }] },
      {
        name: 'fast',
        baseline: 'by hand',
        goal: 0.5,
        rounds: [{ CPU: 4, 'server, %': 90, 'load, %': 40 }, { CPU: 8, 'server, %': 90, 'load, %': 40 }]
      },
      {
        name: 'slow',
        baseline: 'by hand',
        goal: 0.5,
        rounds: [{ CPU: 10, 'server, %': 60, 'load, %': 99 }, { CPU: 30, 'server, %': 60, 'load, %': 99 }]
      }
    ],
    checks: [{ name: 'messages', value: 12_345, atLeast: 10_000 }, { name: 'delay', value: 30, atMost: 20 }]
  }
  t.same(table(result).split('\n'), [
    '|  | CPU | min–max | ratio | min–max | goal | met | server, % | load, % |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| by hand | 15 | 10–20 |  |  |  |  | 90 | 40 |',
    '| fast | 6 | 4–8 | 0.40 | 0.40–0.40 | ≤ 0.5 | yes | 90 | 40 |',
    '| slow | 20 | 10–30 | 1.25 | 1.00–1.50 | ≤ 0.5 | **no** | 60 | 99 (the load is the bottleneck) |',
    '',
    '|  | measured | goal | met |',
    '| --- | ---: | ---: | ---: |',
    '| messages | 12 345 | ≥ 10 000 | yes |',
    '| delay | 30 | ≤ 20 | **no** |'
  ])
})
