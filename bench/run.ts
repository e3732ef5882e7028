import { parseArgs } from 'node:util'
import { type Bench, measure, type Options, ratioOf, type Result } from './bench.js'
import { churn } from './churn.js'
import { connect } from './connect.js'
import { connectFloor } from './connect-floor.js'
import { consoleBench } from './console.js'
import { fanout } from './fanout.js'
import { idle } from './idle.js'
import { joinStorm } from './join-storm.js'
import { joins } from './joins.js'
import { latency } from './latency.js'
import { nodes } from './nodes.js'
import { printPage } from './page.js'
import { profilesTable } from './profiles.js'
import { further, relay, relay1 } from './relay.js'
import { record } from './results.js'
import { pinLoad, profileInto, profilesWritten } from './servers.js'
import { table } from './table.js'
import { tracker } from './tracker.js'

/** All benches, in the order they run. */
const benches: readonly Bench[] = [
  relay, relay1, latency, fanout, connect, connectFloor, joinStorm, joins, idle, churn, nodes,
  tracker, further, consoleBench
]

/** Those of the smoke, which fails only where a ratio is so many times its goal. */
const smoked: readonly Bench[] = [relay, relay1, fanout, connect, joinStorm, idle, tracker]
const slack = 2

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    'most-rounds': { type: 'string', default: '25' },
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
else await runAll()

async function runAll (): Promise<void> {
  await pinLoad()
  if (profiles !== undefined) profileInto(profiles)
  const options: Omit<Options, 'keep'> = isSmall
    ? { rounds: 2, mostRounds: 2, warmUpMs: 250, measureMs: 250, churnMs: 0, isSmall, node: undefined }
    : {
        rounds: Number(rounds),
        mostRounds: Number(values['most-rounds']),
        warmUpMs: 500,
        measureMs: Number(seconds) * 1000,
        churnMs: Number(values['churn-seconds']) * 1000,
        isSmall,
        node
      }
  const run = async (bench: Bench): Promise<Result> => {
    const result = await measure(bench, options, (line) => process.stderr.write(`${line}\n`))
    process.stdout.write(`\n${bench.title}\n\n${table(result)}\n`)
    return result
  }
  for (const bench of chosen) {
    const result = await run(bench)
    if (!isSmall) record(bench.name, result)
    // Once more: the machine may have been busy with something else.
    else if (farOff(result).length > 0) fail(farOff(await run(bench)))
  }
  if (profiles !== undefined) {
    process.stdout.write(`\nWhose code the servers ran, in the order they were started, in %\n\n${profilesTable(profilesWritten())}\n`)
  }
  if (!isSmall) printPage()
}

/** Ratios only: other figures are the machine's as much as ours. */
function farOff (result: Result): string[] {
  return result.rows.flatMap((row) => {
    const ratio = ratioOf(result, row)?.median
    if (row.goal === undefined || ratio === undefined || ratio <= row.goal * slack) return []
    return `${result.title}: ${row.name} is at ${ratio.toFixed(2)}, where ${row.goal} is the goal`
  })
}

function fail (reasons: string[]): void {
  if (reasons.length > 0) process.exitCode = 1
  for (const reason of reasons) process.stdout.write(`\nFAILED: ${reason}\n`)
}
