import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { token as command } from '../../src/commands/token/index.js'
import { build, connect, type Env } from '../helper.js'
import { run } from '../process.js'
import { secret, tokenFor, withSecret } from '../auth/tokens.js'

const now = () => Math.floor(Date.now() / 1000)

/** What `signalbox token` prints, and its exit code. */
async function token (t: Test, env: Env, ...argv: string[]) {
  let stdout = ''
  const code = await command(argv, { env, stdout: { write: (text) => { stdout += text } } })
  t.notMatch(stdout, secret, 'no secret is printed')
  return { code, stdout }
}

/** The same, of `--check`. */
async function check (t: Test, env: Env, token_: string, ...argv: string[]) {
  const { code, stdout } = await token(t, env, '--check', token_, ...argv)
  return { code, said: stdout }
}

function privateKey (t: Test, key: KeyObject): string {
  const file = join(t.testdir(), 'key.pem')
  writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }))
  return file
}

/** The URL of a key set. */
async function keyServer (t: Test, key: JsonWebKey): Promise<string> {
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [key] }))).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
}

const publicPem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

t.test('a minted token stands alone on stdout and lets its bearer in', async (t) => {
  const { output, exited } = run(t, withSecret, ['token', '--sub', 'alice', '--dialects', 'peerjs', '--ttl', '1h'])
  t.equal(await exited, 0)
  const { stdout, stderr } = output
  t.equal(stderr, '')
  t.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  const port = await build(t, withSecret)
  const path = (id: string) => `/peerjs?key=peerjs&id=${id}&token=${stdout.trim()}`
  t.match(await (await connect(t, port, path('alice'))).next(), { type: 'OPEN' })
  t.equal((await (await connect(t, port, path('bob'))).closed).code, 1008, 'as alice alone')
  const elsewhere = await connect(t, port, `/tom?token=${stdout.trim()}`)
  elsewhere.send({ type: 'register', nodeId: 'alice', username: 'alice' })
  t.match(await elsewhere.next(), { error: /not allowed/ }, 'in peerjs alone')
})

t.test('a token has the claims that it was asked for, and the issuer and the audience of the settings', async (t) => {
  const env = { ...withSecret, JWT_ISSUER: 'https://issuer.test', JWT_AUDIENCE: 'here' }
  const { stdout } = await token(
    t, env, '--sub=alice', '--ids', 'a1,a2*', '--groups', 'g', '--rooms', '', '--role', 'discover,assign', '--ttl', '90s'
  )
  const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
  const { iat, exp, ...rest } = claims
  t.equal(Number(exp) - Number(iat), 90)
  const lists = { ids: ['a1', 'a2*'], groups: ['g'], rooms: [], roles: ['discover', 'assign'] }
  t.same(rest, { sub: 'alice', ...lists, iss: env.JWT_ISSUER, aud: 'here' })
  t.match(await check(t, env, stdout.trim()), { code: 0, said: /^valid until .*, for \d+ s\nsubject +alice\nids +alice, a1, a2\*\n/ })
})

t.test('a private key file signs for a server with its public key', async (t) => {
  for (const { publicKey, privateKey: key } of [
    generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('ed25519')
  ]) {
    const env = { JWT_PUBLIC_KEY: publicPem(publicKey) }
    const { stdout } = await token(t, env, '--sub', 'alice', '--key', privateKey(t, key))
    t.match(await check(t, env, stdout.trim()), { code: 0, said: /^valid/ })
    const { publicKey: another } = generateKeyPairSync('ed25519')
    const refused = await check(t, { JWT_PUBLIC_KEY: publicPem(another) }, stdout.trim())
    t.match(refused, { code: 1, said: /^refused: its algorithm|^refused: it was signed/ })
  }
})

t.test('a token is checked by the keys of JWKS_URL', async (t) => {
  const { publicKey, privateKey: key } = generateKeyPairSync('ed25519')
  const url = await keyServer(t, { ...publicKey.export({ format: 'jwk' }), kid: 'one' })
  const { stdout } = await token(t, { JWKS_URL: url }, '--sub', 'alice', '--key', privateKey(t, key), '--kid', 'one')
  t.match(await check(t, { JWKS_URL: url }, stdout.trim()), { code: 0, said: /^valid/ })
  const unreachable = await check(t, { JWKS_URL: 'http://127.0.0.1:1/' }, stdout.trim())
  t.match(unreachable, { code: 1, said: /^refused: no keys from JWKS_URL: / })
})

t.test('--check says why a token is refused', async (t) => {
  const strict = { ...withSecret, JWT_ISSUER: 'issuer of the house', JWT_AUDIENCE: 'audience of the house' }
  const right = { sub: 'alice', iss: strict.JWT_ISSUER, aud: strict.JWT_AUDIENCE }
  for (const [env, refused, why] of [
    [withSecret, tokenFor({ sub: 'alice', exp: now() - 60 }), /^refused: it expired at 20/],
    [withSecret, tokenFor({ sub: 'alice' }, { key: 'x'.repeat(32) }), /signed with another key/],
    [withSecret, tokenFor({ sub: 'alice' }, { alg: 'none' }), /not signed|algorithm/],
    [withSecret, tokenFor({ sub: 'alice' }, { alg: 'HS512' }), /its algorithm is not that/],
    [withSecret, tokenFor({ sub: 'alice', nbf: now() + 600 }), /not valid yet/],
    [withSecret, tokenFor({ sub: 'alice', iat: now() + 600 }), /issued in the future/],
    [withSecret, tokenFor({}), /its sub is missing/],
    [withSecret, tokenFor({ sub: 'alice', dialects: 'tom' }), /its dialects is of the wrong type/],
    [withSecret, 'nonsense', /it is no token/],
    [strict, tokenFor({ sub: 'alice' }), /iss and aud is missing/],
    [strict, tokenFor({ ...right, iss: 'another' }), /its iss is not JWT_ISSUER/],
    [strict, tokenFor({ ...right, aud: 'another' }), /its aud is not JWT_AUDIENCE/]
  ] as const) {
    const { code, said } = await check(t, env, refused)
    t.match(said, why)
    t.equal(code, 1, said)
    t.equal(said.split('\n').length, 2, 'one line')
    t.notMatch(said, /of the house/, 'no setting is shown')
  }
})

t.test('what a token claims cannot write to the terminal', async (t) => {
  const { said } = await check(t, withSecret, tokenFor({ sub: 'a', groups: ['\u001b[31mred\n', 'b\u202e'] }))
  t.match(said, /groups +�\[31mred�, b�\n/)
})

t.test('arguments that make no sense end with one line, without what was given', async (t) => {
  const hidden = 'hunter2'
  for (const [env, argv, line] of [
    [withSecret, [], /--sub is missing/],
    [withSecret, ['--sub'], /--sub takes a value/],
    [withSecret, ['--sub', 'a', '--ttl', hidden], /--ttl: expected a number and its unit/],
    [withSecret, ['--sub', 'a', hidden], /unexpected argument/],
    [withSecret, ['--sub', 'a', '--nope'], /--nope/],
    [{}, ['--sub', 'a'], /nothing to sign with; set JWT_SECRET/],
    [{}, ['--sub', 'a', '--key', `/no/${hidden}`], /--key: the file cannot be read \(ENOENT\)/],
    [{}, ['--check', hidden], /no JWT_SECRET, JWT_PUBLIC_KEY or JWKS_URL/],
    [{ JWT_SECRET: hidden }, ['--sub', 'a'], /^JWT_SECRET: invalid value \(hidden\)/]
  ] as const) {
    const error: Error = await token(t, env, ...argv).then(() => new Error('it made sense'), (error: Error) => error)
    t.match(error.message, line)
    t.notMatch(error.message, /\n/, 'one line')
    t.notMatch(error.message, hidden)
  }
})

t.test('the binary says it in one line, and exits with 1', async (t) => {
  const { output, exited } = run(t, {}, ['token', '--sub', 'a'])
  t.equal(await exited, 1)
  t.equal(output.stdout, '')
  t.match(output.stderr, /^signalbox: token: nothing to sign with; [^\n]*\n$/)
})
