import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Redis } from 'ioredis'
import { freePort } from '../../scripts/ports.js'
import { eventually, heardOf, isReady, signal, tomPeer } from '../cluster/nodes.js'
import { build, until } from '../helper.js'
import { type RedisServer, replicating, startRedis } from '../redis.js'

const name = 'exchange'

interface Guarded {
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly sentinels: Array<{ port: number, process: ChildProcess }>
}

interface Passwords {
  readonly server: string
  readonly sentinel: string
}

/** A master with a replica, and three sentinels that know of each other and of both. */
async function guarded (t: Test, passwords: Passwords): Promise<Guarded> {
  const settings = [...replicating, '--masterauth', passwords.server]
  const [master, replica] = [await startRedis(t, undefined, settings), await startRedis(t, undefined, settings)]
  for (const { client } of [master, replica]) {
    await client.config('SET', 'requirepass', passwords.server)
    // Sentinels cut connections at a failover.
    client.options.password = passwords.server
    await client.auth(passwords.server)
  }
  await replica.client.replicaof('127.0.0.1', master.port)
  await eventually(async () => (await replica.client.info('replication')).includes('master_link_status:up'))
  const home = await mkdtemp(join(tmpdir(), 'sentinels-'))
  t.teardown(async () => await rm(home, { recursive: true, force: true }))
  const sentinels = await Promise.all([1, 2, 3].map(async () => await startSentinel(t, home, master.port, passwords)))
  for (const { port } of sentinels) {
    const client = new Redis(port, '127.0.0.1', { password: passwords.sentinel })
    t.teardown(() => client.disconnect())
    await until(async () => {
      const [known] = await client.call('SENTINEL', 'MASTERS') as string[][]
      const of = (field: string) => known?.[known.indexOf(field) + 1]
      return of('num-other-sentinels') === '2' && of('num-slaves') === '1'
    })
  }
  return { master, replica, sentinels }
}

async function startSentinel (t: Test, home: string, masterPort: number, passwords: Passwords) {
  const port = await freePort()
  const file = join(home, `${port}.conf`)
  await writeFile(file, [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${home}`,
    `requirepass ${passwords.sentinel}`,
    `sentinel sentinel-pass ${passwords.sentinel}`,
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} 2`,
    `sentinel auth-pass ${name} ${passwords.server}`,
    `sentinel down-after-milliseconds ${name} 1000`,
    `sentinel failover-timeout ${name} 5000`
  ].join('\n'))
  const process = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' })
  t.teardown(async () => {
    process.kill('SIGKILL')
    if (process.exitCode === null && process.signalCode === null) await once(process, 'exit')
  })
  return { port, process }
}

t.test('nodes find the master by its sentinels, and its successor when it dies, even if a sentinel is down', async (t) => {
  const passwords = { server: 'tr0ub/4dor', sentinel: 's3nt+nel' }
  const { master, replica, sentinels } = await guarded(t, passwords)
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
  const query = `sentinelPassword=${encodeURIComponent(passwords.sentinel)}`
  const url = `redis-sentinel://:${encodeURIComponent(passwords.server)}@${hosts}/${name}?${query}`
  const env = { REDIS_URL: url, NODE_LEASE_MS: '3000' }
  const [one, other] = [await build(t, env), await build(t, env)]
  const [a, b] = [await tomPeer(t, one, 'a'), await tomPeer(t, other, 'b')]
  await heardOf(a, 'b')
  t.ok((await master.client.keys('{sb:0}:members:*')).length > 0)

  sentinels[0]?.process.kill('SIGKILL')
  master.process.kill('SIGKILL')
  await eventually(async () => (await replica.client.info('replication')).includes('role:master'), 30_000)
  const since = performance.now()
  await eventually(async () => await isReady(one) && await isReady(other))
  a.send(signal('a', 'b', 'after'))
  t.match(await b.nextOf('signal'), { payload: 'after' })
  const ms = performance.now() - since
  t.ok(ms < 5_000, `signals cross again after ${Math.round(ms)} ms`)
  b.send(signal('b', 'a', 'and back'))
  t.match(await a.nextOf('signal'), { payload: 'and back' })
})

t.test('a database behind sentinels is part of the path', async (t) => {
  const { master, sentinels: [sentinel] } = await guarded(t, { server: 'server', sentinel: 'sentinel' })
  const app = await build(t, { REDIS_URL: `redis-sentinel://:server@127.0.0.1:${sentinel?.port}/${name}/3?sentinelPassword=sentinel` })
  await tomPeer(t, app, 'a')
  await master.client.select(3)
  t.same(await master.client.keys('*:members:*'), ['{sb/3:0}:members:tom'])
})
