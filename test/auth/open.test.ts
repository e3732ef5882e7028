import { Writable } from 'node:stream'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { type Config, signalbox } from '../../src/index.js'
import { build, connect } from '../helper.js'
import { enter } from '../routes/actors.js'
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
  t.equal(app.signalbox.auth, undefined)
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

t.test('the log warns of a secret that can be guessed, and does not tell it', async (t) => {
  const log = (await logOf(t, { JWT_SECRET: 'hunter2' })).join('')
  t.match(log, 'JWT_SECRET has less than 32 bytes')
  t.notMatch(log, 'hunter2')
  t.notMatch((await logOf(t, { JWT_SECRET: secret })).join(''), 'JWT_SECRET')
})
