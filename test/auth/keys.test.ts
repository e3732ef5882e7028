import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createService } from '../../src/service.js'
import { readConfig } from '../../src/settings.js'
import { begin, build, connect, type Env } from '../helper.js'
import { pairFor, type Signing, tokenFor, withSecret } from './tokens.js'

const claims = { sub: 'alice' }
const rsa = pairFor('RS256')
const ec = pairFor('ES256')
const ed = pairFor('EdDSA')
const signers: Record<string, Signing> = {
  RS256: { alg: 'RS256', key: rsa.privateKey },
  ES256: { alg: 'ES256', key: ec.privateKey },
  EdDSA: { alg: 'EdDSA', key: ed.privateKey }
}
const pems: Record<string, string> = { RS256: rsa.pem, ES256: ec.pem, EdDSA: ed.pem }

type App = Awaited<ReturnType<typeof build>>

async function isTaken (t: Test, app: App, token: string): Promise<void> {
  const client = await connect(t, app, `/drone?token=${token}`)
  client.send({ type: 'ping' })
  t.match(await client.next(), { type: 'pong' })
}

async function isRefused (t: Test, app: App, token: string, message: string): Promise<void> {
  t.match(await begin(t, app, `/drone?token=${token}`).closed, { code: 1008, reason: 'Unauthorized' }, message)
}

for (const [alg, pem] of Object.entries(pems)) {
  t.test(`a public key lets in what its owner signed with ${alg}, and nothing else`, async (t) => {
    const file = join(t.testdir({ 'key.pem': pem }), 'key.pem')
    for (const JWT_PUBLIC_KEY of [pem, file, pem.replaceAll('\n', '\\n')]) {
      const app = await build(t, { JWT_PUBLIC_KEY })
      for (const [other, signing] of Object.entries(signers)) {
        const token = tokenFor(claims, signing)
        if (other === alg) await isTaken(t, app, token)
        else await isRefused(t, app, token, `${other} for ${alg}`)
      }
    }
  })

  t.test(`the public key of ${alg} is no secret that a token could be signed with`, async (t) => {
    const app = await build(t, { JWT_PUBLIC_KEY: pem })
    for (const key of [pem, pem.trim()]) {
      for (const bits of ['HS256', 'HS384', 'HS512']) await isRefused(t, app, tokenFor(claims, { alg: bits, key }), bits)
    }
    const input = tokenFor(claims, { alg: 'none' }).slice(0, -1)
    await isRefused(t, app, `${input}.`, 'none')
    await isRefused(t, app, `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`, 'none, but signed')
  })
}

t.test('an RSA key lets in no other digest or padding than RS256', async (t) => {
  const app = await build(t, { JWT_PUBLIC_KEY: rsa.pem })
  for (const alg of ['RS384', 'RS512', 'PS256']) await isRefused(t, app, tokenFor(claims, { alg, key: rsa.privateKey }), alg)
  await isRefused(t, app, tokenFor(claims, { alg: 'RS256', key: pairFor('RS256').privateKey }), 'another key')
})

t.test('a secret that looks like a public key is a secret', async (t) => {
  const app = await build(t, { JWT_SECRET: rsa.pem })
  await isTaken(t, app, tokenFor(claims, { key: rsa.pem.trim() }))
  await isRefused(t, app, tokenFor(claims, { alg: 'RS256', key: rsa.privateKey }), 'RS256')
})

t.test('a public key that is none stops the start, and is not told', async (t) => {
  const dir = t.testdir({ 'empty.pem': '', 'private.pem': String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })) })
  const bad: Array<[value: string, message: RegExp]> = [
    ['/no/such/hunter2.pem', /^JWT_PUBLIC_KEY: cannot read the file, expected a public key/],
    [join(dir, 'empty.pem'), /^JWT_PUBLIC_KEY: not a PEM file, expected/],
    [join(dir, 'private.pem'), /^JWT_PUBLIC_KEY: is a private key, expected/],
    [String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })), /^JWT_PUBLIC_KEY: is a private key, expected/],
    ['-----BEGIN PUBLIC KEY-----\nhunter2\n-----END PUBLIC KEY-----', /^JWT_PUBLIC_KEY: not a PEM file, expected/],
    [pairFor('ES384').pem, /^JWT_PUBLIC_KEY: unsupported kind of key, expected .*RS256.*ES256.*EdDSA/]
  ]
  for (const [JWT_PUBLIC_KEY, message] of bad) {
    const app = createService(readConfig({ LOG_LEVEL: 'silent', JWT_PUBLIC_KEY }, []))
    t.teardown(async () => await app.close())
    const error = await app.ready().then(() => new Error('it started'), (error: Error) => error)
    t.match(error, { name: 'ConfigError', message })
    t.notMatch(error.message, 'hunter2')
  }
})

t.test('a setting that is needed twice, or without a key, stops the start', async (t) => {
  const bad: Env[] = [
    { ...withSecret, JWT_PUBLIC_KEY: rsa.pem },
    { JWKS_URL: 'http://a.test', ...withSecret },
    { JWT_ISSUER: 'a' },
    { JWT_AUDIENCE: 'a' }
  ]
  for (const env of bad) t.throws(() => readConfig(env, []), { name: 'ConfigError' })
})
