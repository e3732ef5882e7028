import { t } from 'tap'

/**
 * Runs built tests, JOBS at once and in the order given, each in a process of its own, and writes their TAP.
 * tap's own command would have each process load hooks for coverage and for TypeScript, which takes a second of CPU.
 */
const [jobs, ...files] = process.argv.slice(2)
t.jobs = Number(jobs)
t.setTimeout(0)
const seconds = 180
const env = { ...process.env, TAP_TIMEOUT: String(seconds) }
await Promise.all(files.map(async (file) => {
  await t.spawn(process.execPath, ['--enable-source-maps', file], { buffered: true, timeout: seconds * 1000, env }, file)
}))
