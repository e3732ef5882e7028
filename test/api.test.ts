import { readFileSync } from 'node:fs'
import t from 'tap'
import { apiReport, reportPath } from '../scripts/api-report.js'

t.test('docs/api.md lists every name that the package exports, with its type', async (t) => {
  t.equal(await apiReport(), readFileSync(reportPath, 'utf8'), 'a change of the API is written down by `npm run api`')
})

t.test('every name that the package exports has a docstring', async (t) => {
  const undocumented = readFileSync(reportPath, 'utf8').matchAll(/\(undocumented\)\n(?:declare )?export (?:default )?\w+ (?:\w+ )?(\w+)/g)
  t.same([...undocumented].map(([, name]) => name), [])
})
