import { parseArgs } from 'node:util'
import { type Bench, measure } from './bench.js'
import { fanout } from './fanout.js'
import { latency } from './latency.js'
import { churn } from './churn.js'
import { connect } from './connect.js'
import { idle } from './idle.js'
import { joinStorm } from './join-storm.js'
import { nodes } from './nodes.js'
import { relay, relay1 } from './relay.js'
import { pinLoad, profileInto } from './servers.js'
import { table } from './table.js'

/** All benches, in the order they run. */
const benches: readonly Bench[] = [relay, relay1, latency, fanout, connect, joinStorm, idle, churn, nodes]

const { values: { only, rounds, seconds, 'churn-seconds': churnSeconds, node, profiles } } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    'churn-seconds': { type: 'string', default: '300' },
    node: { type: 'string' },
    profiles: { type: 'string' }
  }
})
const chosen = only === undefined ? benches : benches.filter(({ name }) => only.split(',').includes(name))
if (chosen.length === 0) throw new Error(`--only takes ${benches.map(({ name }) => name).join(', ')}`)

await pinLoad()
if (profiles !== undefined) profileInto(profiles)
const options = { rounds: Number(rounds), warmUpMs: 500, measureMs: Number(seconds) * 1000, churnMs: Number(churnSeconds) * 1000, isSmall: false, node }
for (const bench of chosen) {
  const result = await measure(bench, options, (line) => process.stderr.write(`${line}\n`))
  process.stdout.write(`\n${bench.title}\n\n${table(result)}\n`)
}
