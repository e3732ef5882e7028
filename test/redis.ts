import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { freePort } from '../scripts/ports.js'
import { until } from './helper.js'

/** A test, or whatever else ends and takes with it what it started. */
export type Ending = Pick<Test, 'teardown'>

export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly process: ChildProcess
  /** For a test's own look at what is stored. */
  readonly client: Redis
}

/** A replica gets its data at once, and puts it into no file, which the next server would load. */
export const replicating = ['--repl-diskless-sync-delay', '0', '--repl-diskless-load', 'swapdb', '--repl-ping-replica-period', '1']

/** A redis-server of its own on this or a free port of the loopback, without persistence, ended with the test. */
export async function startRedis (t: Ending, port?: number, extra: readonly string[] = []): Promise<RedisServer> {
  const chosen = port ?? await freePort()
  const options = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no', ...extra]
  const process = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] })
  const log = await readiness(process)
  if (log !== undefined && port === undefined && log.includes('Address already in use')) return await startRedis(t, port, extra)
  if (log !== undefined) throw new Error(`redis-server has ended instead of listening: ${log}`)
  const client = new Redis(chosen, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => {})
  t.teardown(async () => {
    client.disconnect()
    process.kill('SIGCONT')
    process.kill('SIGKILL')
    if (process.exitCode === null && process.signalCode === null) await once(process, 'exit')
  })
  await client.ping()
  return { port: chosen, url: `redis://127.0.0.1:${chosen}`, process, client }
}

/** How many databases the Redis of a process has: more than a test file starts servers. */
const databases = 1024
let shared: Promise<RedisServer> | undefined
let nextDatabase = 0

/** The URL of an empty database on a redis-server that all tests of this process share. Ended with the process. */
export async function freshDatabase (): Promise<string> {
  // Only for tests: loaded, tap takes a process for one.
  shared ??= import('tap').then(async ({ default: tap }) => await startRedis(tap, undefined, ['--databases', String(databases)]))
  return `${(await shared).url}/${nextDatabase++}`
}

/** Settles once it listens, or with what it said when it has ended instead. */
async function readiness (redis: ChildProcess): Promise<string | undefined> {
  let log = ''
  for await (const text of (redis.stdout as Readable).setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    log += text as string
    if (!log.includes('Ready to accept connections')) continue
    redis.stdout?.resume()
    return undefined
  }
  return log
}

export interface RedisCluster {
  /** What goes into `REDIS_URL`. */
  readonly urls: string[]
  readonly nodes: RedisServer[]
  /** Starts a node again that has ended, on its port and with its slots. */
  restart: (at: number) => Promise<void>
  /** Starts a replica of a master. Settles when all nodes know of it, and it has the master's data. */
  add: (master: RedisServer) => Promise<RedisServer>
}

/** Three masters on the loopback that share the slots evenly, ended with the test. */
export async function startCluster (t: Ending, extra: readonly string[] = []): Promise<RedisCluster> {
  const home = await mkdtemp(join(tmpdir(), 'redis-cluster-'))
  const ports = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort(), await freePort()]
  const startNode = async (port: number, busPort: number): Promise<RedisServer> => await startRedis(t, port, [
    '--cluster-enabled', 'yes',
    '--cluster-port', String(busPort),
    '--cluster-config-file', join(home, `${port}.conf`),
    '--cluster-node-timeout', '2000',
    ...replicating,
    ...extra
  ])
  const start = async (at: number): Promise<RedisServer> => await startNode(ports[at] as number, ports[at + 3] as number)
  const nodes = await Promise.all([0, 1, 2].map(start))
  t.teardown(async () => await rm(home, { recursive: true, force: true }))
  const slots = 16384
  for (const [at, { client }] of nodes.entries()) {
    await client.cluster('ADDSLOTSRANGE', Math.ceil(slots / 3 * at), Math.ceil(slots / 3 * (at + 1)) - 1)
    await client.cluster('SET-CONFIG-EPOCH', at + 1)
    if (at > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', String(ports[0]), String(ports[3]))
  }
  await until(async () => {
    const maps = await Promise.all(nodes.map(async ({ client }) => await client.cluster('SLOTS')))
    const states = await Promise.all(nodes.map(async ({ client }) => await client.cluster('INFO')))
    return maps.every((map) => map.length === 3) && states.every((state) => state.includes('cluster_state:ok'))
  })
  const add = async ({ client }: RedisServer): Promise<RedisServer> => {
    const replica = await startNode(await freePort(), await freePort())
    const master = await client.cluster('MYID') as string
    await replica.client.call('CLUSTER', 'MEET', '127.0.0.1', String(ports[0]), String(ports[3]))
    await until(async () => String(await replica.client.cluster('NODES')).includes(master))
    await replica.client.call('CLUSTER', 'REPLICATE', master)
    await until(async () => (await replica.client.info('replication')).includes('master_link_status:up'))
    const name = String(await replica.client.cluster('MYID'))
    await until(async () => {
      const maps = await Promise.all(nodes.map(async ({ client }) => String(await client.cluster('NODES'))))
      return maps.every((map) => map.split('\n').some((line) => line.startsWith(name) && line.includes(` slave ${master}`)))
    })
    return replica
  }
  return { urls: nodes.map(({ url }) => url), nodes, restart: async (at) => { nodes[at] = await start(at) }, add }
}
