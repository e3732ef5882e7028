import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { Bench } from './bench.js'
import { nodes } from './nodes.js'
import { relay, relay1 } from './relay.js'
import { pinLoad } from './servers.js'
import { table } from './table.js'

/** All benches, in the order they run. */
const benches: readonly Bench[] = [relay, relay1, nodes]

const { values: { only, rounds, seconds, node } } = parseArgs({
  options: { only: { type: 'string' }, rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '2' }, node: { type: 'string' } }
})
const chosen = only === undefined ? benches : benches.filter(({ name }) => only.split(',').includes(name))
if (chosen.length === 0) throw new Error(`--only takes ${benches.map(({ name }) => name).join(', ')}`)

await pinLoad()
const directory = new URL('results/', import.meta.url)
mkdirSync(directory, { recursive: true })
for (const bench of chosen) {
  const result = await bench.run({ rounds: Number(rounds), warmUpMs: 500, measureMs: Number(seconds) * 1000, isSmall: false, node, log: (line) => process.stderr.write(`${bench.name}: ${line}\n`) })
  const date = new Date().toISOString()
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length }
  const file = new URL(`${date.slice(0, 10)}-${bench.name}.json`, directory)
  writeFileSync(file, JSON.stringify({ bench: bench.name, date, machine, ...result }, null, 2) + '\n')
  process.stdout.write(`\n${bench.title}\n${machine.cores} cores; node ${process.version}\n\n${table(result)}\n`)
}
