/**
 * `npm run capacity`: what this machine can carry, in about ten minutes. With `--write` the table goes into docs/capacity.md, with
 * `--quick` each step takes a fraction of its time, to try the command out.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { rounded } from '../figures.js'
import { pinLoad } from '../servers.js'
import { markdown } from '../table.js'
import { type Answer, type Pace, steps } from './steps.js'

/** More than this is running besides: the figures would be of something else. */
const quietLoad = 0.5

const { values: { write, quick } } = parseArgs({
  options: { write: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } }
})
const pace: Pace = quick
  ? { seconds: 1, sockets: 500, maxSockets: 2_000, idleSeconds: 3, members: [200], factor: 4 }
  : { seconds: 8, sockets: 5_000, maxSockets: 40_000, idleSeconds: 30, members: [500, 2_000], factor: 1.5 }
const page = new URL('../../docs/capacity.md', import.meta.url)
const startedAt = performance.now()
const [load = 0] = loadavg()
if (load > quietLoad) tell(`The load of this machine is ${load.toFixed(1)}: what else it does makes the figures smaller.`)
await pinLoad()

const answers: Answer[] = []
for (const [at, step] of steps.entries()) {
  tell(`[${at + 1}/${steps.length}] ${step.title}`)
  answers.push(...await step.run(pace, tell))
}
const table = markdown([
  ['', 'measured', ''],
  ...answers.map(({ name, value, unit, note = '' }) => [name, `${rounded(value)} ${unit}`, note])
])
const minutes = (performance.now() - startedAt) / 60_000
const caption = `${new Date().toISOString().slice(0, 10)}, ${machine()}, in ${minutes.toFixed(0)} minutes:`
process.stdout.write(`\n${caption}\n\n${table}\n`)
if (write) {
  const text = readFileSync(page, 'utf8')
  writeFileSync(page, text.replace(/(<!-- capacity: [^>]*-->\n)[^]*?(<!-- \/capacity -->)/, `$1\n${caption}\n\n${table}\n\n$2`))
}

function machine (): string {
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${gibibytes} GiB, Node ${process.version}`
}

function tell (line: string): void {
  process.stderr.write(`${line}\n`)
}
