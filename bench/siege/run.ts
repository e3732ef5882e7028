import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { siege } from './siege.js'
import { siegeTable } from './table.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '75' },
    pairs: { type: 'string', default: '2000' },
    only: { type: 'string' }
  }
})
const { seed, seconds, pairs, only } = values
const report = await siege({ seed: Number(seed), seconds: Number(seconds), pairs: Number(pairs), ...(only !== undefined && { only: only.split(',') }), log: (line) => process.stderr.write(`siege: ${line}\n`) })

const date = new Date().toISOString()
const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism() }
const directory = new URL('results/', import.meta.url)
mkdirSync(directory, { recursive: true })
if (only === undefined) writeFileSync(new URL(`${date.slice(0, 10)}.json`, directory), JSON.stringify({ bench: 'siege', date, machine, ...report }, null, 2) + '\n')
process.stdout.write(`${machine.cores} cores, shared with honest clients and attackers; node ${process.version}; seed ${seed}, ${seconds} s\n${siegeTable(report)}\n`)
process.exitCode = report.failures.length === 0 ? 0 : 1
