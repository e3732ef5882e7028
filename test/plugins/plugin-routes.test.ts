import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { build, urlOf } from '../helper.js'
import { start } from '../process.js'

/** A plugin as a file, with what its function does, given an `app`. */
function plugin (t: Test, body: string): string {
  const path = join(t.testdir(), 'plugin.mjs')
  writeFileSync(path, `export default async (app) => {\n${body}\n}\n`)
  return path
}

t.test('a plugin’s route without a schema is listed in /openapi.json', async (t) => {
  const app = await build(t, { PLUGINS: plugin(t, "app.get('/plain', async () => 'plain')") })
  const response = await fetch(`${urlOf(app)}/openapi.json`)
  t.equal(response.status, 200)
  const { paths } = await response.json() as { paths: Record<string, unknown> }
  t.match(paths, { '/plain': { get: { tags: ['other'] } }, '/health': { get: {} } })
})

t.test('a plugin’s routes are listed under its dialect, unless they have a tag', async (t) => {
  const body = `
    app.get('/before', async () => 'plain')
    const errors = { frame: String, notJson: '', unknownType: String, malformed: String, internal: '' }
    app.route({ url: '/socket', ...app.speak({ name: 'chat', frames: {}, handlers: {}, errors, open: () => ({}) }) })
    app.get('/tagged', { schema: { tags: ['mine'] } }, async () => 'tagged')`
  const app = await build(t, { PLUGINS: plugin(t, body) })
  const { paths } = await (await fetch(`${urlOf(app)}/openapi.json`)).json() as { paths: Record<string, unknown> }
  t.match(paths, { '/before': { get: { tags: ['chat'] } }, '/tagged': { get: { tags: ['mine'] } } })
})

t.test('what a plugin’s route throws is logged at error level, and the answer says nothing of it', async (t) => {
  const PLUGINS = plugin(t, "app.get('/fault', async () => { throw new Error('hunter2') })")
  const { port, output, child, exited } = await start(t, { PLUGINS, LOG_LEVEL: 'info' })
  const response = await fetch(`${urlOf(port)}/fault`)
  t.equal(response.status, 500)
  t.equal(await response.text(), '{"error":"internal error"}')
  child.kill('SIGTERM')
  await exited
  const lines = output.stdout.trim().split('\n').map((line) => JSON.parse(line) as { level: number })
  t.match(lines.filter(({ level }) => level === 50), [{ err: { message: 'hunter2' }, msg: 'request failed' }])
})

t.test('a plugin’s routes count towards CONNECT_RATE, each request once', async (t) => {
  const body = `
    app.get('/plain', async () => 'plain')
    app.get('/named', { onRequest: app.admission }, async () => 'named')
    await app.register(async (app) => { app.post('/nested', async () => 'nested') })`
  const app = await build(t, { PLUGINS: plugin(t, body), CONNECT_RATE: '4' })
  const statusOf = async (path: string, method = 'GET') => (await fetch(urlOf(app) + path, { method })).status
  t.equal(await statusOf('/plain'), 200)
  t.equal(await statusOf('/named'), 200)
  t.equal(await statusOf('/nested', 'POST'), 200)
  t.equal(await statusOf('/plain', 'HEAD'), 200)
  t.equal(await statusOf('/plain'), 429)
  t.equal(await statusOf('/nested', 'POST'), 429)
  t.equal(await statusOf('/tom/id'), 429, 'together with all other routes')
})

t.test('a plugin’s health check has the rate of health checks only', async (t) => {
  const body = "app.get('/check', { onRequest: app.healthAdmission }, async () => 'fine')"
  const app = await build(t, { PLUGINS: plugin(t, body), CONNECT_RATE: '1' })
  for (let call = 0; call < 3; call++) t.equal((await fetch(`${urlOf(app)}/check`)).status, 200)
})

t.test('a plugin’s routes refuse browsers of other origins', async (t) => {
  const app = await build(t, { PLUGINS: plugin(t, "app.get('/plain', async () => 'plain')"), ALLOWED_ORIGINS: 'https://ours.test' })
  const statusFor = async (origin: string) => (await fetch(`${urlOf(app)}/plain`, { headers: { origin } })).status
  t.equal(await statusFor('https://ours.test'), 200)
  t.equal(await statusFor('https://theirs.test'), 403)
})
