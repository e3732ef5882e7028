/**
 * Runs built tests, JOBS at once and in the order given, each in a process of its own, and writes their TAP.
 * tap's own command would have each process load hooks for coverage and for TypeScript, which takes a second of CPU.
 */
const [jobs, ...files] = process.argv.slice(2)
const seconds = 180
const env = { ...process.env, TAP_TIMEOUT: String(seconds) }
// They choose among the tests in the files, not among the files. tap reads them when it is loaded.
delete process.env.TAP_GREP
delete process.env.TAP_ONLY
const { t } = await import('tap')
t.jobs = Number(jobs)
t.setTimeout(0)
await Promise.all(files.map(async (file) => {
  await t.spawn(process.execPath, ['--enable-source-maps', file], { buffered: true, timeout: seconds * 1000, env }, file)
}))

export {}
