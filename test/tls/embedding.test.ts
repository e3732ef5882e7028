import fastify, { type FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { type Config, ConfigError, signalbox } from '../../src/index.js'
import { begin, connect } from '../helper.js'
import { authority, forLoopback } from './certificates.js'
import { type Files, filesFor, request } from './secure.js'

const configOf = ({ env }: Files, more: Partial<Config> = {}): Partial<Config> => ({
  ...env,
  HOST: '127.0.0.1',
  NATIVE_PORTS: ['tom:0'],
  ...more
})

/** An app of somebody’s own, with a certificate of its own. */
async function listen (t: Test, app: FastifyInstance): Promise<{ url: string, native: string }> {
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { url: `https://127.0.0.1:${(app.server.address() as AddressInfo).port}`, native: `https://127.0.0.1:${app.nativePorts[0]}` }
}

/** Fastify with TLS, as the type that it has without. */
const secureApp = (https: object) => fastify({ https } as object)

t.test('an app keeps its own TLS, and native listeners have that of the settings', async (t) => {
  const files = filesFor(t)
  const theirs = authority('Theirs')
  const app = secureApp(theirs.issue(forLoopback))
  await app.register(signalbox, { config: configOf(files) })
  const { url, native } = await listen(t, app)
  t.equal((await request(`${url}/health`, { ca: theirs.cert })).status, 200)
  await t.rejects(request(`${url}/health`, files.client()))
  t.equal((await request(`${native}/health`, files.client())).status, 200)
  await t.rejects(request(`${native}/health`, { ca: theirs.cert }))
})

t.test('certificates that an app has asked for and checked count as ours do', async (t) => {
  const files = filesFor(t)
  const theirs = authority('Theirs')
  const app = secureApp({ ...theirs.issue(forLoopback), ca: theirs.cert, requestCert: true, rejectUnauthorized: false })
  await app.register(signalbox, { config: configOf(files, { TLS_REQUIRE_CLIENT_CERT: true }) })
  const { url, native } = await listen(t, app)
  for (const [to, path, credentials] of [
    [url, '/tom', { ca: theirs.cert, ...theirs.issue({ cn: 'alice' }) }],
    [native, '/', files.client({ cn: 'alice' })]
  ] as const) {
    const alice = await connect(t, to, path, credentials)
    alice.send({ type: 'register', nodeId: 'bob', username: 'B' })
    t.same(await alice.next(), { type: 'error', error: 'not allowed' })
    alice.send({ type: 'register', nodeId: 'alice', username: 'A' })
    t.match(await alice.nextOf('participants'), {})
  }
  t.equal((await begin(t, url, '/tom', { ca: theirs.cert }).closed).code, 1008, 'who shows none is let in by the app, and not by us')
  t.equal((await begin(t, url, '/tom', { ca: theirs.cert, ...files.authority.issue({ cn: 'alice' }) }).closed).code, 1008)
})

t.test('an app that listens without TLS does not take the settings for it', async (t) => {
  const app = fastify()
  t.teardown(async () => await app.close())
  await t.rejects(
    async () => await app.register(signalbox, { config: configOf(filesFor(t)) }),
    new ConfigError('TLS_CERT: requires an app that listens with TLS, by its own `https` option')
  )
})

t.test('files that cannot be used end the registration', async (t) => {
  const files = filesFor(t)
  const app = secureApp(authority().issue(forLoopback))
  t.teardown(async () => await app.close())
  await t.rejects(
    async () => await app.register(signalbox, { config: configOf(files, { TLS_KEY: files.env.TLS_CA }) }),
    { name: 'ConfigError', message: /^TLS_KEY: / }
  )
})
