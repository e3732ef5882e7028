import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { attacks } from './attacks/index.js'
import { siege, type SiegeReport } from './siege.js'
import { eachTable, siegeTable } from './table.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '75' },
    pairs: { type: 'string', default: '2000' },
    only: { type: 'string' },
    each: { type: 'boolean', default: false },
    redis: { type: 'boolean', default: false }
  }
})
const { seed, seconds, pairs, only: list, each, redis } = values
const only = list?.split(',')
const options = {
  seed: Number(seed),
  seconds: Number(seconds),
  pairs: Number(pairs),
  isShared: redis,
  log: (line: string) => process.stderr.write(`siege: ${line}\n`)
}
const date = new Date().toISOString()
const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism() }

/** Keeps the figures of a complete siege. */
function keep (name: string, result: object): void {
  const directory = new URL('results/', import.meta.url)
  mkdirSync(directory, { recursive: true })
  if (only === undefined) {
    writeFileSync(
      new URL(`${date.slice(0, 10)}${name}.json`, directory),
      JSON.stringify({ bench: 'siege', date, machine, ...result }, null, 2) + '\n'
    )
  }
}

process.stdout.write(
  `${machine.cores} cores, shared with honest clients and attackers; node ${process.version}; seed ${seed}, ${seconds} s\n`
)
const reports: SiegeReport[] = []
if (each) {
  // Every attack alone, each against a new server.
  for (const { name } of attacks.filter(({ name }) => only?.includes(name) ?? true)) {
    options.log(name)
    reports.push(await siege({ ...options, only: [name] }))
  }
  keep(redis ? '-each-redis' : '-each', { reports })
  process.stdout.write(`${eachTable(reports)}\n`)
} else {
  const report = await siege({ ...options, ...(only !== undefined && { only }) })
  reports.push(report)
  keep(redis ? '-redis' : '', report)
  process.stdout.write(`${siegeTable(report)}\n`)
}
process.exitCode = reports.every(({ failures }) => failures.length === 0) ? 0 : 1
