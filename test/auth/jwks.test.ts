import { generateKeyPairSync } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { begin, build, connect, type Frame, until, urlOf } from '../helper.js'
import { remoteKeys } from '../../src/auth/jwks.js'
import { pairFor, tokenFor } from './tokens.js'

const claims = { sub: 'alice' }

type App = Awaited<ReturnType<typeof build>>

/** One key of a key server, and how to sign with it. */
function keyOf (alg: string, kid: string, more: Frame = {}) {
  const { privateKey, publicKey, pem } = pairFor(alg)
  return {
    kid,
    pem,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, ...more },
    sign: (header: Frame = { kid }, as = alg) => tokenFor(claims, { alg: as, key: privateKey, header })
  }
}

/** A key server, whose answer a test may change. */
async function keyServer (t: Test, keys: unknown[]) {
  const state = { keys, fetches: 0, answer: (response: ServerResponse) => { response.end(JSON.stringify({ keys: state.keys })) } }
  const server = createServer((_request, response) => {
    state.fetches++
    state.answer(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  t.teardown(stop)
  return Object.assign(state, { stop, env: { JWKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys` } })
}

/** Asks by REST, which makes no socket. */
async function isLetIn (app: App, token: string): Promise<boolean> {
  return (await fetch(`${urlOf(app)}/ice-servers?token=${token}`)).status !== 401
}

async function isTaken (t: Test, app: App, token: string, message = 'taken'): Promise<void> {
  const client = await connect(t, app, `/drone?token=${token}`)
  client.send({ type: 'ping' })
  t.match(await client.next(), { type: 'pong' }, message)
}

async function isRefused (t: Test, app: App, token: string, message: string): Promise<void> {
  t.match(await begin(t, app, `/drone?token=${token}`).closed, { code: 1008, reason: 'Unauthorized' }, message)
}

t.test('what comes behind the first frame waits for the key of its token, where the token is in that frame', async (t) => {
  const key = keyOf('ES256', 'ec')
  const app = await build(t, { ...(await keyServer(t, [key.jwk])).env, DIALECTS: 'ayame' })
  const client = await connect(t, app, '/signaling')
  client.send({ type: 'register', roomId: 'room', clientId: 'c', authnMetadata: key.sign() })
  client.send({ type: 'nope' })
  t.match(await client.next(), { type: 'accept' })
  t.same(await client.next(), { type: 'error', reason: 'InvalidMessageType: nope' })
})

t.test('keys are looked up by their kid, and fetched once', async (t) => {
  const keys = [keyOf('RS256', 'rsa'), keyOf('ES256', 'ec'), keyOf('EdDSA', 'ed'), keyOf('RS256', 'rsa 2', { alg: 'RS256', use: 'sig' })]
  const server = await keyServer(t, keys.map(({ jwk }) => jwk))
  const app = await build(t, server.env)
  for (const { kid, sign } of keys) await isTaken(t, app, sign(), kid)
  await Promise.all(keys.map(async ({ sign }) => await isTaken(t, app, sign())))
  t.equal(
    (await fetch(`${urlOf(app)}/tom/peers`, { headers: { authorization: `Bearer ${keys[0]?.sign()}` } })).status,
    401,
    'REST checks it too: it lacks the role'
  )
  t.equal(server.fetches, 1)
})

t.test('the algorithm is that of the key', async (t) => {
  const rsa = keyOf('RS256', 'rsa')
  const ec = keyOf('ES256', 'ec')
  const pinned = keyOf('RS256', 'pinned', { alg: 'RS512' })
  const encrypting = keyOf('RS256', 'encrypting', { use: 'enc' })
  const symmetric = { kty: 'oct', kid: 'oct', k: Buffer.from('secret').toString('base64url') }
  const server = await keyServer(t, [rsa.jwk, ec.jwk, pinned.jwk, encrypting.jwk, symmetric])
  const app = await build(t, server.env)
  const bad: Record<string, string> = {
    'the kid of another key': rsa.sign({ kid: 'ec' }),
    'signed by another key than the kid says': ec.sign({ kid: 'rsa' }, 'ES256'),
    'another digest': rsa.sign({ kid: 'rsa' }, 'RS512'),
    'a key for another digest': pinned.sign(),
    'a key that is for encryption': encrypting.sign(),
    'a symmetric key': tokenFor(claims, { alg: 'HS256', key: 'secret', header: { kid: 'oct' } }),
    'the public key as a secret': tokenFor(claims, { alg: 'HS256', key: rsa.pem, header: { kid: 'rsa' } }),
    none: tokenFor(claims, { alg: 'none', header: { kid: 'rsa' } }),
    'a kid of another type': rsa.sign({ kid: ['rsa'] })
  }
  for (const [kind, token] of Object.entries(bad)) await isRefused(t, app, token, kind)
  await isTaken(t, app, rsa.sign())
  await isTaken(t, app, ec.sign())
})

t.test('a key that is new at the key server counts at once', async (t) => {
  const [old, next, third] = [keyOf('RS256', '1'), keyOf('ES256', '2'), keyOf('EdDSA', '3')]
  const server = await keyServer(t, [old.jwk])
  const app = await build(t, server.env)
  await isTaken(t, app, old.sign())
  server.keys = [old.jwk, next.jwk]
  await isTaken(t, app, next.sign())
  await isTaken(t, app, old.sign())
  server.keys = [third.jwk]
  await isTaken(t, app, third.sign())
  await isRefused(t, app, old.sign(), 'a key that is no longer there')
})

t.test('tokens with made-up keys do not make us ask the key server again and again', async (t) => {
  const key = keyOf('ES256', 'real')
  const server = await keyServer(t, [key.jwk])
  const app = await build(t, server.env)
  await Promise.all(Array.from({ length: 50 }, async (_, n) => await isRefused(t, app, key.sign({ kid: `made up ${n}` }), 'refused')))
  for (let n = 0; n < 20; n++) await isRefused(t, app, key.sign({ kid: `made up again ${n}` }), 'refused')
  t.ok(server.fetches <= 7, `${server.fetches} fetches`)
  await isTaken(t, app, key.sign())
})

const failures: Record<string, (response: ServerResponse) => void> = {
  'no answer': (response) => response.destroy(),
  'an error': (response) => response.writeHead(500).end(),
  'no JSON': (response) => response.end('<html>'),
  'no keys': (response) => response.end('{}'),
  'a redirect': (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
}

for (const [kind, broken] of Object.entries(failures)) {
  t.test(`while the key server has ${kind} tokens are refused, and taken when it is back`, async (t) => {
    const key = keyOf('ES256', 'k')
    const server = await keyServer(t, [key.jwk])
    const app = await build(t, server.env)
    const { answer } = server
    server.answer = broken
    await isRefused(t, app, key.sign(), kind)
    t.equal((await fetch(`${urlOf(app)}/tom/peers?token=${key.sign()}`)).status, 401, kind)
    server.answer = answer
    await until(async () => await isLetIn(app, key.sign()))
    server.stop()
    await isTaken(t, app, key.sign(), 'keys that are known are enough')
  })
}

t.test('a key server that does not answer means refused, not hanging', async (t) => {
  const key = keyOf('ES256', 'k')
  const server = await keyServer(t, [key.jwk])
  const { answer } = server
  const slow: Record<string, typeof answer> = {
    silence: () => {},
    'half an answer': (response) => { response.write('{"keys":') }
  }
  for (const [kind, stalled] of Object.entries(slow)) {
    const app = await build(t, server.env)
    server.answer = stalled
    const started = performance.now()
    await Promise.all(['/drone', '/tom', '/'].map(async (path) => {
      t.equal((await begin(t, app, `${path}?token=${key.sign()}`).closed).code, 1008, kind)
    }))
    const took = performance.now() - started
    t.ok(took > 2_000 && took < 8_000, `${took} ms`)
    server.answer = answer
    await until(async () => await isLetIn(app, key.sign()))
  }
})

t.test('RSA keys below 2048 bits are refused from a key server too', async (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const good = keyOf('RS256', 'good')
  const server = await keyServer(t, [{ ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak' }, good.jwk])
  const app = await build(t, server.env)
  await isRefused(t, app, tokenFor(claims, { alg: 'RS256', key: weak.privateKey, header: { kid: 'weak' } }), '1024 bits')
  await isTaken(t, app, good.sign())
})

t.test('an answer is read up to 256 KiB, also one that came compressed or has no end', async (t) => {
  const key = keyOf('ES256', 'k')
  const padded = (bytes: number) => JSON.stringify({ keys: [key.jwk] }).padEnd(bytes)
  let written = 0
  const answers: Record<string, [answer: (response: ServerResponse) => void, isRead: boolean]> = {
    'just as much': [(response) => response.end(padded(262_144)), true],
    'a byte more': [(response) => response.end(padded(262_145)), false],
    compressed: [(response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(padded(50_000_000))), false],
    'without an end': [(response) => {
      const more = () => {
        while (!response.destroyed && response.write(' '.repeat(65_536))) written += 65_536
      }
      response.on('drain', more)
      more()
    }, false]
  }
  for (const [kind, [answer, isRead]] of Object.entries(answers)) {
    const server = await keyServer(t, [])
    server.answer = answer
    const app = await build(t, server.env)
    const started = performance.now()
    t.equal(await isLetIn(app, key.sign()), isRead, kind)
    t.ok(performance.now() - started < 2_500, 'not by the timeout')
  }
  t.ok(written < 16_000_000, `${written} bytes were sent`)
})

t.test('while the key server fails, keys that are known are good for a day, and it is asked ever less often', async (t) => {
  const key = keyOf('ES256', 'k')
  const server = await keyServer(t, [key.jwk])
  const problems: string[] = []
  const minute = 60_000
  let now = 0
  const { key: find } = remoteKeys(server.env.JWKS_URL, (reason) => problems.push(reason), () => now)
  const isKnown = async (kid = 'k') => await (find as Exclude<typeof find, string>)({ alg: 'ES256', kid }).then(() => true, () => false)
  t.ok(await isKnown())
  now += 9 * minute
  t.ok(await isKnown())
  t.equal(server.fetches, 1, 'fresh for ten minutes')
  now += 2 * minute
  t.ok(await isKnown())
  t.equal(server.fetches, 2)

  const { answer } = server
  server.answer = (response) => response.writeHead(500).end()
  now += 11 * minute
  const failingFrom = now
  const asked: number[] = []
  for (; now < failingFrom + 10 * minute; now += 500) {
    const before = server.fetches
    t.ok(await isKnown())
    t.notOk(await isKnown('made up'))
    if (server.fetches > before) asked.push((now - failingFrom) / 1000)
  }
  t.same(asked.slice(0, 8), [0, 1, 3, 7, 15, 31, 63, 123])
  t.same(new Set(problems), new Set(['it answered 500']))
  now = failingFrom + 23 * 60 * minute
  t.ok(await isKnown())
  now = failingFrom + 24 * 60 * minute
  t.notOk(await isKnown(), 'a day after they were fetched')
  server.answer = answer
  now += minute
  t.ok(await isKnown(), 'and again when the server is back')
})
