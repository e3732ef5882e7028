import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { connect, type Env, until, urlOf } from '../helper.js'
import { run, start } from '../process.js'
import { filesFor } from '../tls/secure.js'

const script = fileURLToPath(new URL('../../deploy/health-check.js', import.meta.url))

/** The exit code of the health check in a server's environment. */
const check = async (t: Test, env: Env, port: number) => await run(t, { ...env, PORT: String(port) }, [], script).exited

t.test('the health check finds a server that is ready, with the settings that the server has', async (t) => {
  const { env: { TLS_CERT, TLS_KEY, TLS_CA } } = filesFor(t)
  const tls = { TLS_CERT, TLS_KEY }
  for (const [kind, env] of Object.entries<Env>({
    plain: {}, 'every address': { HOST: '0.0.0.0' }, TLS: tls, 'client certificates': { ...tls, TLS_CA, TLS_REQUIRE_CLIENT_CERT: 'true' }
  })) {
    const { port, child } = await start(t, env)
    t.equal(await check(t, env, port), 0, kind)
    child.kill('SIGKILL')
    await once(child, 'exit')
    t.equal(await check(t, env, port), 1, `${kind}, gone`)
  }
})

t.test('a server that drains is not healthy, and neither is one that stands still', async (t) => {
  const { port, child } = await start(t, { DRAIN_MS: '30000' })
  // The second of two is closed 15 s after the first.
  for (let client = 0; client < 2; client++) await connect(t, port, '/tom')
  child.kill('SIGTERM')
  await until(async () => (await fetch(`${urlOf(port)}/ready`)).status === 503)
  t.equal(await check(t, {}, port), 1)
  child.kill('SIGSTOP')
  t.equal(await check(t, {}, port), 1)
  child.kill('SIGKILL')
})
