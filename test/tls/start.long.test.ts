import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ConfigError } from '../../src/config/config-error.js'
import { readConfig } from '../../src/settings.js'
import { createService } from '../../src/service.js'
import { connect, type Env, until } from '../helper.js'
import { run, start } from '../process.js'
import { forLoopback } from './certificates.js'
import { filesFor, request, secure } from './secure.js'

/** The message with which a start is refused: one line that names the setting. */
function refused (t: Test, name: string, env: Env): string {
  try {
    createService(readConfig({ LOG_LEVEL: 'silent', ...env }, []))
  } catch (error) {
    t.ok(error instanceof ConfigError, String(error))
    const { message } = error as ConfigError
    t.ok(message.startsWith(`${name}: invalid value `), message)
    t.notMatch(message, '\n')
    return message
  }
  t.fail(`${name} was taken`)
  return ''
}

t.test('files that cannot be used refuse the start with a line that names the setting', async (t) => {
  const { env, authority: own } = filesFor(t)
  const { cert, key } = own.issue(forLoopback)
  const file = (name: string, text: string) => {
    const path = join(t.testdirName, name)
    writeFileSync(path, text)
    return path
  }
  const weak = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' },
    publicKeyEncoding: { type: 'spki', format: 'pem' }
  })
  const broken = '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n'
  for (const name of ['TLS_CERT', 'TLS_KEY', 'TLS_CA']) {
    t.match(refused(t, name, { ...env, [name]: join(t.testdirName, 'none.pem') }), /none\.pem", expected a readable file \(ENOENT\)$/)
    t.match(refused(t, name, { ...env, [name]: t.testdirName }), /expected a readable file \(EISDIR\)$/)
    t.notMatch(refused(t, name, { ...env, [name]: file('text.pem', 'hunter2') }), 'hunter2')
    t.notMatch(refused(t, name, { ...env, [name]: file('broken.pem', broken) }), 'hunter2')
    refused(t, name, { ...env, [name]: file('empty.pem', '') })
    t.notMatch(refused(t, name, { ...env, [name]: key }), key.slice(30, 60), 'the key itself for its path')
  }
  refused(t, 'TLS_CERT', { ...env, TLS_CERT: env.TLS_KEY })
  refused(t, 'TLS_KEY', { ...env, TLS_KEY: env.TLS_CERT })
  refused(t, 'TLS_CERT', { ...env, TLS_CERT: file('chain.pem', `${cert}${broken}`) })
  t.match(
    refused(t, 'TLS_KEY', { ...env, TLS_KEY: file('other.pem', key) }),
    /expected the private key of the first certificate in TLS_CERT$/
  )
  t.match(refused(t, 'TLS_KEY', { ...env, TLS_KEY: file('secret.pem', weak.privateKey) }), /without a passphrase$/)
  t.match(
    refused(t, 'TLS_CERT', { ...env, TLS_CERT: join('x'.repeat(1000), 'none.pem') }),
    /^TLS_CERT: invalid value "….{0,300}none\.pem", expected/
  )
})

t.test('a certificate may come with its chain, and with its key in one file', async (t) => {
  const { env, authority: own, client } = filesFor(t)
  const { cert, key } = own.issue(forLoopback)
  const path = join(t.testdirName, 'all.pem')
  writeFileSync(path, `Some words before\n${key}${cert}${own.cert}`)
  const { url } = await secure(t, { ...env, TLS_CERT: path, TLS_KEY: path })
  t.equal((await request(`${url}/health`, client())).status, 200)
})

t.test('what openssl makes of keys is taken', async (t) => {
  const { env } = filesFor(t)
  const at = (name: string) => join(t.testdirName, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-out', at('ec.pem'))
  openssl('genrsa', '-traditional', '-out', at('rsa.pem'), '2048')
  openssl('genpkey', '-algorithm', 'ed25519', '-out', at('ed.pem'))
  for (const name of ['ec.pem', 'rsa.pem', 'ed.pem']) {
    openssl(
      'req', '-x509', '-key', at(name), '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1',
      '-days', '1', '-out', at('self.pem')
    )
    const { url, app } = await secure(t, { ...env, TLS_CERT: at('self.pem'), TLS_KEY: at(name) })
    t.equal((await request(`${url}/health`, { ca: readFileSync(at('self.pem'), 'utf8') })).status, 200, name)
    await app.close()
  }
  openssl('genrsa', '-out', at('weak.pem'), '512')
  openssl('req', '-x509', '-key', at('weak.pem'), '-subj', '/CN=localhost', '-days', '1', '-out', at('weak-cert.pem'))
  t.match(
    refused(t, 'TLS_CERT', { ...env, TLS_CERT: at('weak-cert.pem'), TLS_KEY: at('weak.pem') }),
    /expected a certificate with a stronger key or signature/
  )
})

t.test('the built server speaks TLS, takes new certificates over and drains', async (t) => {
  const { env, client, authority: own } = filesFor(t)
  const { port, output, child, exited } = await start(t, { ...env, NATIVE_PORTS: 'tom:0', TLS_REQUIRE_CLIENT_CERT: 'true' })
  const url = `https://127.0.0.1:${port}`
  const native = `https://127.0.0.1:${/tom alone at 127\.0\.0\.1:(\d+)/.exec(output.stdout)?.[1]}`
  t.match(output.stdout, `Server listening at ${url}`)
  t.notMatch(output.stdout, 'open to everybody')
  const alice = await connect(t, url, '/tom', client({ cn: 'alice' }))
  const bob = await connect(t, native, '/', client({ cn: 'bob' }))
  alice.send({ type: 'register', nodeId: 'alice', username: 'A' })
  await alice.nextOf('participants')
  bob.send({ type: 'register', nodeId: 'bob', username: 'B' })
  await bob.nextOf('participants')
  const { cert, key } = own.issue(forLoopback)
  writeFileSync(env.TLS_CERT, cert)
  writeFileSync(env.TLS_KEY, key)
  await until(() => output.stdout.includes('TLS certificates reloaded'))
  alice.send({ type: 'signal', from: 'alice', to: 'bob', payload: 1 })
  t.match(await bob.nextOf('signal'), { payload: 1 })
  child.kill('SIGTERM')
  t.equal((await alice.closed).code, 1001)
  t.equal((await bob.closed).code, 1001)
  t.equal(await exited, 0)
})

t.test('the built server refuses to start with a pair that does not match', async (t) => {
  const { env } = filesFor(t)
  const { output, exited } = run(t, { PORT: '0', ...env, TLS_KEY: env.TLS_CERT })
  t.equal(await exited, 1)
  t.match(output.stderr, /^signalbox: TLS_KEY: invalid value [^\n]+ expected a PEM file with a private key[^\n]+\n$/)
  t.equal(output.stdout, '')
})
