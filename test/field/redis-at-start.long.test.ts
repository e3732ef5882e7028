import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import fastify from 'fastify'
import type { Redis } from 'ioredis'
import { freePort, mustBeFree } from '../../scripts/ports.js'
import { readConfig } from '../../src/settings.js'
import { signalbox } from '../../src/index.js'
import { eventually, isReady, signal, tomPeer } from '../cluster/nodes.js'
import { type Env, urlOf } from '../helper.js'
import { replicating, type RedisServer, startCluster, startRedis } from '../redis.js'

const startsWithinMs = 4_000
/** In every URL, with characters that a URL spells in another way. */
const password = 'hunter2/&s3cret'
const user = 'signalbox-user'
const encoded = encodeURIComponent(password)

interface Fault {
  readonly url: string
  /** What Redis, or the system, said. */
  readonly reason: RegExp
  /** What to do about it. */
  readonly advice: RegExp
  /** Parts of the URL that nothing may tell, beside the password. */
  readonly secrets?: readonly string[]
  /** Ends the fault, if it can end. */
  readonly mend?: () => Promise<unknown>
}

/** A node starts and serves its own peers while there is a fault, and joins the others when there is none. */
function starts (title: string, begin: (t: Test) => Promise<Fault>): void {
  t.test(`${title}: the node starts, serves its own peers, says why it is alone and what to do, and joins when it can`, async (t) => {
    const { url, reason, advice, secrets = [], mend } = await begin(t)
    const { app, lines, written } = await embed(t, { REDIS_URL: url, NODE_LEASE_MS: '1000' })
    const ready = await fetch(`${urlOf(app)}/ready`)
    t.equal(ready.status, 503)
    const told = [await ready.text(), await (await fetch(`${urlOf(app)}/metrics`)).text()]
    const [a, b] = [await tomPeer(t, app, 'a'), await tomPeer(t, app, 'b')]
    a.send(signal('a', 'b', 'near'))
    t.match(await b.nextOf('signal'), { payload: 'near' })
    await eventually(() => lines.join('').includes('redis is down'))
    // For as long as several probes take.
    const since = performance.now()
    await eventually(() => performance.now() - since > 1_200)
    const complaints = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === 'redis is down')
    t.same(complaints.slice(1), [], 'in one line')
    t.match(complaints[0], { level: 40, reason, advice })
    if (mend !== undefined) {
      await mend()
      await eventually(async () => await isReady(app))
    }
    const all = [...told, ...lines, ...written].join('\n')
    for (const secret of [password, encoded, 'hunter2', 's3cret', user, ...secrets]) {
      t.notOk(all.includes(secret), 'no part of the URL is told')
    }
  })
}

/** A server that listens, with the lines of its log, and what was written past it. */
async function embed (t: Test, env: Env) {
  const lines: string[] = []
  const written: string[] = []
  for (const name of ['log', 'warn', 'error'] as const) {
    t.intercept(console, name, { value: (...texts: unknown[]) => { written.push(inspect(texts, { depth: 10 })) } })
  }
  const app = fastify({ logger: { level: 'trace', stream: { write: (line: string) => { lines.push(line) } } } })
  app.register(signalbox, { config: readConfig({ MAX_EVENT_LOOP_DELAY: '60000', ...env }, []) })
  t.teardown(async () => await app.close())
  const startedAt = performance.now()
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.ok(performance.now() - startedAt < startsWithinMs, 'it starts in time')
  return { app, lines, written }
}

async function letIn (client: Redis): Promise<void> {
  await client.acl('SETUSER', user, 'on', `>${password}`, '~*', '&*', '+@all')
}

/** A Redis that knows our user and its password, and refuses everybody else. */
async function secured (t: Test, extra: readonly string[] = []): Promise<RedisServer & { known: string }> {
  const redis = await startRedis(t, undefined, extra)
  await letIn(redis.client)
  return { ...redis, known: `redis://${user}:${encoded}@127.0.0.1:${redis.port}` }
}

starts('Redis is a replica (READONLY)', async (t) => {
  const { client, known } = await secured(t, replicating)
  const master = await startRedis(t, undefined, replicating)
  await client.replicaof('127.0.0.1', master.port)
  return { url: known, reason: /^READONLY/, advice: /master/, mend: async () => await client.replicaof('NO', 'ONE') }
})

starts('Redis has no memory left (OOM)', async (t) => {
  const { client, known } = await secured(t)
  await client.config('SET', 'maxmemory', '1')
  return { url: known, reason: /^OOM/, advice: /maxmemory/, mend: async () => await client.config('SET', 'maxmemory', '0') }
})

starts('Redis allows the user no EVAL', async (t) => {
  const { client, known } = await secured(t)
  await client.acl('SETUSER', user, '-eval', '-evalsha')
  return { url: known, reason: /^NOPERM/, advice: /docs\/scaling\.md/, mend: async () => await client.acl('SETUSER', user, '+@all') }
})

starts('Redis allows the user no keys', async (t) => {
  const { client, known } = await secured(t)
  await client.acl('SETUSER', user, 'resetkeys')
  const mend = async () => await client.acl('SETUSER', user, '~*')
  return { url: known, reason: /NOPERM|permissions/, advice: /docs\/scaling\.md/, mend }
})

starts('Redis allows the user no channels', async (t) => {
  const { client, known } = await secured(t)
  await client.acl('SETUSER', user, 'resetchannels')
  const mend = async () => await client.acl('SETUSER', user, 'allchannels')
  return { url: known, reason: /^NOPERM/, advice: /docs\/scaling\.md/, mend }
})

starts('Redis reads its data (LOADING)', async (t) => {
  const dir = t.testdir()
  const files = ['--dir', dir, '--loading-process-events-interval-bytes', '1024']
  const before = await secured(t, files)
  await before.client.config('SET', 'rdbcompression', 'no')
  for (let at = 0; at < 24; at++) await before.client.set(`key ${at}`, 'x'.repeat(4096))
  await before.client.save()
  before.process.kill('SIGKILL')
  await once(before.process, 'exit')
  const port = await freePort()
  const waits = startRedis(t, port, [...files, '--key-load-delay', '300000', '--user', user, 'on', `>${password}`, '~*', '&*', '+@all'])
  t.teardown(async () => await waits)
  await eventually(async () => await mustBeFree(port, '127.0.0.1').then(() => false, () => true))
  return { url: `redis://${user}:${encoded}@127.0.0.1:${port}`, reason: /^LOADING/, advice: /wait/, mend: async () => await waits }
})

starts('Redis cannot save its data (MISCONF)', async (t) => {
  const dir = t.testdir({ 'dump.rdb': { 'a file': 'so that nothing takes the place of its folder' } })
  const options = ['--dir', dir, '--dbfilename', 'other.rdb', '--save', '3600 1', '--enable-protected-configs', 'yes']
  const { client, known } = await secured(t, options)
  await client.config('SET', 'dbfilename', 'dump.rdb')
  await client.set('key', 'value')
  await client.bgsave()
  await eventually(async () => (await client.info('persistence')).includes('rdb_last_bgsave_status:err'))
  return { url: known, reason: /^MISCONF/, advice: /save/, mend: async () => await client.config('SET', 'save', '') }
})

starts('Redis misses its replicas (NOREPLICAS)', async (t) => {
  const { client, known } = await secured(t)
  await client.config('SET', 'min-replicas-to-write', '1')
  const mend = async () => await client.config('SET', 'min-replicas-to-write', '0')
  return { url: known, reason: /^NOREPLICAS/, advice: /replicas/, mend }
})

starts('something else is in the place of the leases (WRONGTYPE)', async (t) => {
  const { client, known } = await secured(t)
  await client.set('{sb:0}:nodes', 'mine')
  return { url: known, reason: /^WRONGTYPE/, advice: /database/, mend: async () => await client.del('{sb:0}:nodes') }
})

starts('the password is wrong', async (t) => {
  const { client, known } = await secured(t)
  await client.acl('SETUSER', user, 'resetpass', '>other')
  const mend = async () => await client.acl('SETUSER', user, `>${password}`)
  return { url: known, reason: /^WRONGPASS/, advice: /password/, mend }
})

starts('the password is missing', async (t) => {
  const { client, port } = await secured(t)
  await client.config('SET', 'requirepass', password)
  return { url: `redis://127.0.0.1:${port}`, reason: /^NOAUTH/, advice: /password/ }
})

starts('the database does not exist', async (t) => {
  const { known } = await secured(t)
  return { url: `${known}/99`, reason: /DB index/, advice: /database/ }
})

starts('several URLs are no cluster', async (t) => {
  const { known } = await secured(t)
  return { url: `${known},${known}`, reason: /cluster support disabled/, advice: /one URL/ }
})

starts('one URL is of a cluster', async (t) => {
  const { nodes: [first, second] } = await startCluster(t)
  const slot = await (first as RedisServer).client.cluster('KEYSLOT', '{sb:0}')
  const { client, port } = (slot < 16384 / 3 ? second : first) as RedisServer
  await letIn(client)
  return { url: `redis://${user}:${encoded}@127.0.0.1:${port}`, reason: /^MOVED/, advice: /several of its nodes/ }
})

starts('nobody listens', async (t) => {
  const port = await freePort()
  const url = `redis://${user}:${encoded}@127.0.0.1:${port}`
  const mend = async () => await letIn((await startRedis(t, port)).client)
  return { url, reason: /^ECONNREFUSED$/, advice: /Redis runs/, secrets: [`:${port}`], mend }
})

starts('nobody listens at a Unix socket', async () => ({
  url: `redis+unix://${user}:${encoded}@/nowhere/at/all.sock`,
  reason: /^ENOENT$/,
  advice: /path/,
  secrets: ['nowhere', 'all.sock']
}))

starts('no sentinel can be asked', async () => {
  const port = await freePort()
  const url = `redis-sentinel://${user}:${encoded}@127.0.0.1:${port}/the-name?sentinelPassword=${encoded}`
  return { url, reason: /^no sentinel can be asked$/, advice: /sentinels/, secrets: ['the-name', `:${port}`] }
})

starts('the host is unknown, perhaps because it is a password', async () => ({
  url: `redis://${user}:${encoded}@s3cret-host.invalid`,
  reason: /^(ENOTFOUND|EAI_AGAIN)$/,
  advice: /host/,
  secrets: ['s3cret-host', '.invalid']
}))

starts('Redis speaks no TLS', async (t) => {
  const { known } = await secured(t)
  return { url: known.replace('redis:', 'rediss:'), reason: /./, advice: /TLS/ }
})

starts('Redis speaks TLS only, with a certificate that nobody knows', async (t) => {
  const { port } = await securedByTls(t, 'localhost')
  return { url: `rediss://${user}:${encoded}@localhost:${port}`, reason: /self.signed certificate/, advice: /REDIS_CA/ }
})

starts('Redis speaks TLS only, and the URL does not say so', async (t) => {
  const { port } = await securedByTls(t, 'localhost')
  return { url: `redis://${user}:${encoded}@localhost:${port}`, reason: /./, advice: /TLS/ }
})

starts('something else than Redis listens', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return { url: `redis://${user}:${encoded}@127.0.0.1:${port}`, reason: /RESP/, advice: /Redis/ }
})

async function securedByTls (t: Test, host: string): Promise<{ port: number }> {
  const dir = t.testdir()
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-addext', `subjectAltName=DNS:${host}`,
    '-keyout', `${dir}/key.pem`, '-out', `${dir}/cert.pem`, '-subj', `/CN=${host}`, '-days', '2'
  ], { stdio: 'ignore' })
  const port = await freePort()
  await secured(t, [
    '--tls-port', String(port), '--tls-cert-file', `${dir}/cert.pem`, '--tls-key-file', `${dir}/key.pem`,
    '--tls-ca-cert-file', `${dir}/cert.pem`, '--tls-auth-clients', 'no'
  ])
  return { port }
}
