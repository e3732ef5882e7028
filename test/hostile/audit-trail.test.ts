import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { build, connect, type Env, refusal, until } from '../helper.js'
import { start } from '../process.js'

interface Entry { event: string, id?: string, address?: string, omitted?: number }

async function building (t: Test, env: Env = {}) {
  const path = join(t.testdir(), 'audit.log')
  const app = await build(t, { ...env, AUDIT_LOG: path })
  const trail = (): Entry[] => readFileSync(path, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Entry)
  return { app, trail }
}

t.test('a client that registers again and again does not fill the trail, and hides nobody else in it', async (t) => {
  const { app, trail } = await building(t, { MESSAGE_RATE: '100000', MESSAGE_BURST: '100000' })
  const attacker = await connect(t, app, '/drone')
  const started = performance.now()
  const times = 5_000
  for (let at = 0; at < times; at++) attacker.send({ type: 'register', id: `attacker ${at % 2}` })
  attacker.send({ type: 'ping' })

  // An honest neighbour in the middle of it, who is then taken over.
  const honest = await connect(t, app, '/drone')
  honest.send({ type: 'register', id: 'honest' })
  await honest.nextOf('registered')
  await attacker.nextOf('pong')
  attacker.send({ type: 'register', id: 'honest' })
  t.equal((await honest.closed).code, 4000)
  await attacker.close()
  await until(() => trail().some(({ event }) => event === 'leave'))

  const isOf = (of: string) => ({ event }: Entry) => event === of
  const seconds = (performance.now() - started) / 1000
  const written = trail().filter(isOf('register'))
  t.ok(written.length <= 2 + 500 + 50 * seconds, `${written.length} records of ${times} registrations`)
  t.match(trail().find(({ event, id }) => event === 'register' && id === 'honest'), { event: 'register', dialect: 'drone' })
  t.match(trail().find(isOf('takeover')), { id: 'honest', code: 4000 })
  t.match(trail().find(isOf('leave')), { id: 'honest' }, 'who has it now')

  await app.close()
  const registered = trail().filter(isOf('register'))
  const omitted = registered.reduce((sum, entry) => sum + (entry.omitted ?? 0), 0)
  const alone = registered.filter(({ id }) => id === undefined)
  t.equal(registered.length - alone.length + omitted, times + 2, 'what was not written was counted')
})

t.test('an address that is claimed is 64 characters at most wherever it is logged', async (t) => {
  const { app, trail } = await building(t, { TRUST_PROXY: 'true', CONNECT_RATE: '2', ALLOWED_ORIGINS: 'https://good.test' })
  const claimed = 'x'.repeat(8_000)
  const headers = { 'x-forwarded-for': claimed }
  for (let at = 0; at < 2; at++) await connect(t, app, '/tom', { headers })
  t.equal((await refusal(t, app, '/tom', { headers })).status, 429)
  t.equal((await refusal(t, app, '/tom', { headers, origin: 'https://bad.test' })).status, 403)
  await until(() => trail().length === 4)
  t.same(trail().map(({ address }) => address), Array.from({ length: 4 }, () => 'x'.repeat(64)))

  const { port, output } = await start(t, { TRUST_PROXY: 'true', LOG_LEVEL: 'trace' })
  await connect(t, port, '/tom', { headers })
  await fetch(`http://127.0.0.1:${port}/health`, { headers })
  await until(() => output.stdout.includes('"path":"/health"'))
  t.match(output.stdout, 'x'.repeat(64))
  t.notMatch(output.stdout, 'x'.repeat(65))
})
