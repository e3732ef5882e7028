import t from 'tap'
import { run } from '../process.js'

/** In every value, and nowhere else. */
const secret = 'qxzjqxzjqxzj'
const weak = 'qxzjq'

const bad: Record<string, string> = {
  REDIS_URL: `redis://:${secret}@host/${secret}`,
  REDIS_CA: `-----BEGIN CERTIFICATE-----\n${secret}\n-----END CERTIFICATE-----`,
  JWKS_URL: `ftp://user:${secret}@keys.test/${secret}`,
  JWT_SECRET: secret,
  JWT_PUBLIC_KEY: `-----BEGIN PUBLIC KEY-----\n${secret}\n-----END PUBLIC KEY-----`,
  JWT_ISSUER: secret,
  JWT_AUDIENCE: secret,
  TURN_SECRET: secret
}

/** Without these they would be refused for another reason, or not at all. */
const beside: Record<string, Record<string, string>> = {
  REDIS_CA: { REDIS_URL: 'rediss://127.0.0.1:1' }
}

t.test('a process that a secret keeps from starting says which setting it is, and no part of its value', async (t) => {
  for (const [name, value] of Object.entries(bad)) {
    const { exited, output } = run(t, { HOST: '127.0.0.1', PORT: '0', ...beside[name], [name]: value })
    t.equal(await exited, 1, `${name} is refused`)
    const said = output.stdout + output.stderr
    t.match(said, name)
    t.notMatch(said, secret.slice(0, 4))
  }
})

t.test('a process that starts with weak secrets, and without its Redis and its key server, tells no part of them', async (t) => {
  const { child, exited, output } = run(t, {
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'trace',
    REDIS_URL: `redis://${secret}:${secret}@127.0.0.1:1`,
    JWKS_URL: `https://127.0.0.1:1/${secret}?key=${secret}`,
    TURN_URLS: 'turn:turn.test',
    TURN_SECRET: weak,
    METRICS_TOKEN: weak
  })
  for (const text of ['redis is down', 'TURN_SECRET', 'METRICS_TOKEN', 'Server listening']) {
    while (!(output.stdout + output.stderr).includes(text)) await new Promise((resolve) => child.stdout?.once('data', resolve))
  }
  child.kill('SIGTERM')
  t.equal(await exited, 0)
  t.notMatch(output.stdout + output.stderr, weak.slice(0, 4))
})
