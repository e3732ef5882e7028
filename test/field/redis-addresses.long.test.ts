import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { heardOf, signal, tomPeer } from '../cluster/nodes.js'
import { build, type Env } from '../helper.js'
import { type RedisServer, startRedis } from '../redis.js'

/** Two nodes with these settings are one exchange. */
async function meet (t: Test, env: Env): Promise<void> {
  const [one, other] = [await build(t, env), await build(t, env)]
  const [a, b] = [await tomPeer(t, one, 'a'), await tomPeer(t, other, 'b')]
  await heardOf(a, 'b')
  a.send(signal('a', 'b', 'hello'))
  t.match(await b.nextOf('signal'), { payload: 'hello' })
}

/** An authority of one's own, and a Redis with a certificate that it has signed. */
async function startWithTls (t: Test): Promise<{ port: number, authority: string }> {
  const dir = t.testdir({ 'san.txt': 'subjectAltName=DNS:localhost,IP:127.0.0.1' })
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority', '-days', '2')
  openssl('req', ...newKey, '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=redis')
  openssl('x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'cert.pem',
    '-days', '2', '-extfile', 'san.txt')
  const port = await freePort()
  await startRedis(t, undefined, [
    '--tls-port', String(port), '--tls-cert-file', `${dir}/cert.pem`, '--tls-key-file', `${dir}/key.pem`,
    '--tls-ca-cert-file', `${dir}/ca.pem`, '--tls-auth-clients', 'no'
  ])
  return { port, authority: `${dir}/ca.pem` }
}

t.test('rediss with an authority of one’s own: REDIS_CA is a file or PEM text, also on one line', async (t) => {
  const { port, authority } = await startWithTls(t)
  const pem = readFileSync(authority, 'utf8')
  for (const REDIS_CA of [authority, pem, pem.replaceAll('\n', '\\n')]) {
    await meet(t, { REDIS_URL: `rediss://localhost:${port}`, REDIS_CA })
  }
})

t.test('a Unix socket with a password and a database', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'redis-'))
  t.teardown(async () => await rm(home, { recursive: true, force: true }))
  const path = join(home, 'a socket')
  const { client }: RedisServer = await startRedis(t, undefined, ['--unixsocket', path])
  await meet(t, { REDIS_URL: `redis+unix://${encodeURI(path)}` })
  await client.config('SET', 'requirepass', 'p@ss')
  await client.auth('p@ss')
  await meet(t, { REDIS_URL: `redis+unix://default:p%40ss@${encodeURI(path)}?db=2` })
  await client.select(2)
  t.equal(await client.exists('{sb:0}:generation'), 1)
})
