import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { heardOf, signal, tomPeer } from '../cluster/nodes.js'
import { signalbox } from '../../src/index.js'
import { readConfig } from '../../src/settings.js'
import { build, type Env, until } from '../helper.js'
import { type RedisServer, startRedis } from '../redis.js'

/** Two nodes with these settings are one exchange. */
async function meet (t: Test, env: Env): Promise<void> {
  const [one, other] = [await build(t, env), await build(t, env)]
  const [a, b] = [await tomPeer(t, one, 'a'), await tomPeer(t, other, 'b')]
  await heardOf(a, 'b')
  a.send(signal('a', 'b', 'hello'))
  t.match(await b.nextOf('signal'), { payload: 'hello' })
}

interface OverTls {
  readonly port: number
  readonly authority: string
  /** Its certificate and key, as settings of any server of Redis. */
  readonly tls: Record<string, string>
}

/** An authority of one's own, and a Redis with a certificate that it has signed. */
async function startWithTls (t: Test): Promise<OverTls> {
  const dir = t.testdir({ 'san.txt': 'subjectAltName=DNS:localhost,IP:127.0.0.1' })
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority', '-days', '2')
  openssl('req', ...newKey, '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=redis')
  openssl('x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'cert.pem',
    '-days', '2', '-extfile', 'san.txt')
  const port = await freePort()
  const tls = {
    'tls-cert-file': `${dir}/cert.pem`, 'tls-key-file': `${dir}/key.pem`, 'tls-ca-cert-file': `${dir}/ca.pem`, 'tls-auth-clients': 'no'
  }
  await startRedis(t, undefined, ['--tls-port', String(port), ...Object.entries(tls).flatMap(([name, value]) => [`--${name}`, value])])
  return { port, authority: `${dir}/ca.pem`, tls }
}

/** A sentinel that speaks TLS only, to clients and to its master. */
async function startSentinelWithTls (t: Test, { port: master, authority, tls }: OverTls): Promise<number> {
  const port = await freePort()
  const settings = { port: 0, 'tls-port': port, bind: '127.0.0.1', 'tls-replication': 'yes', ...tls }
  const lines = [...Object.entries(settings).map((setting) => setting.join(' ')), `sentinel monitor exchange 127.0.0.1 ${master} 1`]
  const file = join(dirname(authority), 'sentinel.conf')
  await writeFile(file, lines.join('\n'))
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' })
  t.teardown(async () => {
    sentinel.kill('SIGKILL')
    if (sentinel.exitCode === null && sentinel.signalCode === null) await once(sentinel, 'exit')
  })
  return port
}

t.test('rediss with an authority of one’s own: REDIS_CA is a file or PEM text, also on one line', async (t) => {
  const { port, authority } = await startWithTls(t)
  const pem = readFileSync(authority, 'utf8')
  for (const REDIS_CA of [authority, pem, pem.replaceAll('\n', '\\n')]) {
    await meet(t, { REDIS_URL: `rediss://localhost:${port}`, REDIS_CA })
  }
})

t.test('rediss-sentinel: the sentinels and the master they name speak TLS, with an authority of one’s own', async (t) => {
  const server = await startWithTls(t)
  const port = await startSentinelWithTls(t, server)
  const REDIS_URL = `rediss-sentinel://127.0.0.1:${port}/exchange`
  await meet(t, { REDIS_URL, REDIS_CA: server.authority })
  const lines: string[] = []
  const app = fastify({ logger: { level: 'warn', stream: { write: (line: string) => { lines.push(line) } } } })
  app.register(signalbox, { config: readConfig({ REDIS_URL }, []) })
  t.teardown(async () => await app.close())
  await app.ready()
  await until(() => lines.some((line) => /no sentinel can be asked.*REDIS_CA/.test(line)))
  t.equal(app.state.isReady, false, 'without that authority nobody is trusted')
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
