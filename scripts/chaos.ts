import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chaos, describe } from '../test/chaos/chaos.js'

const help = `Three nodes, a hundred clients, and faults: npm run chaos -- [--seed 1] [--minutes 1] [--grace 5000] [--cluster]

  --seed N       what goes wrong, when, and who does what
  --minutes M    for how long
  --grace MS     RESUME_GRACE_MS
  --cluster      on a Redis Cluster, instead of one Redis with a replica
  --keep FOLDER  writes the history and the nodes' logs there
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '1' },
    grace: { type: 'string', default: '5000' },
    cluster: { type: 'boolean', default: false },
    keep: { type: 'string' },
    help: { type: 'boolean' }
  }
})
/** Ends what was started. */
const cleanUps: Array<() => unknown> = []

async function end (code: number): Promise<never> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  process.exit(code)
}

/** Answers whether all is as promised. */
async function main (): Promise<boolean> {
  const { seed, minutes, grace, cluster, keep } = values
  for (const value of [seed, minutes, grace]) if (!(Number(value) >= 0)) throw new Error(`expected a number, not ${value}\n\n${help}`)
  const startedAt = performance.now()
  const log = (line: string) => process.stdout.write(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(7)} ${line}\n`)
  const options = { seed: Number(seed), ms: Number(minutes) * 60_000, graceMs: Number(grace), isCluster: cluster, log }
  log(`seed ${seed}, ${minutes} min, RESUME_GRACE_MS ${grace}${cluster ? ', a Redis Cluster' : ''}`)
  const { violations, entries, nodeLogs, tally } = await chaos({ teardown: (cleanUp) => { cleanUps.push(cleanUp) } }, options)
  if (keep !== undefined) {
    mkdirSync(keep, { recursive: true })
    writeFileSync(join(keep, 'history.jsonl'), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    for (const [at, text] of nodeLogs.entries()) writeFileSync(join(keep, `process-${at}.log`), text)
  }
  log(tally)
  log(violations.length === 0 ? 'all is as promised' : `${violations.length} violations with seed ${seed}\n${describe(violations)}`)
  return violations.length === 0
}

process.once('SIGINT', () => end(1)).once('SIGTERM', () => end(1))
if (values.help === true) {
  process.stdout.write(help)
} else {
  try {
    await end(await main() ? 0 : 1)
  } catch (error) {
    process.stderr.write(`chaos: ${(error as Error).message}\n`)
    await end(1)
  }
}
