import { parseArgs } from 'node:util'
import { type Bench, holds, measure, type Options, ratioOf, type Result } from './bench.js'
import { churn } from './churn.js'
import { connect } from './connect.js'
import { fanout } from './fanout.js'
import { idle } from './idle.js'
import { joinStorm } from './join-storm.js'
import { latency } from './latency.js'
import { nodes } from './nodes.js'
import { printPage } from './page.js'
import { relay, relay1 } from './relay.js'
import { record } from './results.js'
import { pinLoad, profileInto } from './servers.js'
import { table } from './table.js'

/** All benches, in the order they run. */
const benches: readonly Bench[] = [relay, relay1, latency, fanout, connect, joinStorm, idle, churn, nodes]

/** Those of the smoke, which fails only where a figure is so many times off its goal. */
const smoked: readonly Bench[] = [relay, relay1, fanout, connect, joinStorm, idle]
const slack = 2

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    'churn-seconds': { type: 'string', default: '300' },
    node: { type: 'string' },
    profiles: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false }
  }
})
const { only, rounds, seconds, node, profiles, smoke: isSmall } = values
const offered = isSmall ? smoked : benches
const chosen = only === undefined ? offered : offered.filter(({ name }) => only.split(',').includes(name))
if (chosen.length === 0) throw new Error(`--only takes ${offered.map(({ name }) => name).join(', ')}`)

if (values.page) printPage()
else await run()

async function run (): Promise<void> {
  await pinLoad()
  if (profiles !== undefined) profileInto(profiles)
  const options: Omit<Options, 'keep'> = isSmall
    ? { rounds: 2, warmUpMs: 300, measureMs: 400, churnMs: 0, isSmall, node: undefined }
    : { rounds: Number(rounds), warmUpMs: 500, measureMs: Number(seconds) * 1000, churnMs: Number(values['churn-seconds']) * 1000, isSmall, node }
  for (const bench of chosen) {
    const result = await measure(bench, options, (line) => process.stderr.write(`${line}\n`))
    process.stdout.write(`\n${bench.title}\n\n${table(result)}\n`)
    if (isSmall) judge(result)
    else record(bench.name, result)
  }
  if (!isSmall) printPage()
}

function judge (result: Result): void {
  const ratios = result.rows.flatMap((row) => row.goal === undefined ? [] : [{ name: row.name, value: ratioOf(result, row)?.median ?? NaN, atMost: row.goal }])
  for (const check of [...ratios, ...result.checks]) {
    if (holds(check, slack)) continue
    process.exitCode = 1
    process.stdout.write(`\nFAILED: ${result.title}: ${check.name} is at ${check.value.toPrecision(3)}, more than ${slack} times off its goal\n`)
  }
}
