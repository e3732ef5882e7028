import { Writable } from 'node:stream'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { type Config, signalbox } from '../../src/index.js'
import { build, connect } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { subjects } from '../routes/dialects.js'
import { secret, tokenFor } from './tokens.js'

for (const subject of subjects) {
  const { name, env, errors } = subject

  t.test(`${name}: without a key a token means nothing, and auth is an unknown type`, async (t) => {
    const app = await build(t, env)
    for (const authorization of ['Bearer hunter2', `Bearer ${tokenFor({ sub: 'somebody', dialects: [], exp: 1 })}`]) {
      const alice = await enter(t, app, subject, 'alice', { options: { headers: { authorization } } })
      await alice.settle()
      alice.send({ type: 'auth', token: tokenFor({ sub: 'alice' }) })
      t.same(await alice.client.nextThat((frame) => subject.isError(frame)), errors.unknown('auth'))
      await alice.settle()
      await alice.client.close()
    }
  })
}

t.test('without a key auth is no dialect’s frame at the bare root', async (t) => {
  const app = await build(t)
  t.equal(app.signalbox.auth.isOpen, true)
  t.equal(app.signalbox.auth.hasKey, false)
  const client = await connect(t, app, '/')
  client.send({ type: 'auth', token: tokenFor({ sub: 'alice' }) })
  t.match(await client.next(), { error: 'unknown dialect' })
})

async function logOf (t: Test, config: Partial<Config>): Promise<string[]> {
  const lines: string[] = []
  const stream = new Writable({
    write (line, _encoding, done) {
      lines.push(String(line))
      done()
    }
  })
  const app = fastify({ logger: { level: 'info', stream } })
  t.teardown(async () => await app.close())
  await app.register(signalbox, { config })
  await app.ready()
  return lines
}

t.test('the log says once at the start that the server is open, and only then', async (t) => {
  const isOpen = (line: string) => line.includes('open to everybody')
  t.equal((await logOf(t, {})).filter(isOpen).length, 1)
  t.equal((await logOf(t, { JWT_SECRET: secret })).filter(isOpen).length, 0)
})

t.test('a secret that can be guessed stops the start, and is not told', async (t) => {
  const error = await logOf(t, { JWT_SECRET: 'hunter2' }).catch((error: unknown) => error) as Error
  t.match(error, { name: 'ConfigError', message: /^JWT_SECRET: .*openssl rand/ })
  t.notMatch(error.message, 'hunter2')
})

t.test('the log warns once at the start of a key server that is asked in the clear', async (t) => {
  const warnings = async (JWKS_URL: string) => (await logOf(t, { JWKS_URL })).filter((line) => line.includes('JWKS_URL is http'))
  t.equal((await warnings('http://keys.test/?key=hunter2')).length, 1)
  t.notMatch((await warnings('http://keys.test/?key=hunter2')).join(''), 'hunter2')
  t.equal((await warnings('https://keys.test')).length, 0)
})
