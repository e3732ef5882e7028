import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../../scripts/ports.js'
import { type Way, wayTo } from '../cluster/nodes.js'
import { type Env, until, urlOf } from '../helper.js'
import { run, type Running } from '../process.js'
import { type Ending, type RedisServer, replicating, startCluster, startRedis } from '../redis.js'
import type { History } from './history.js'
import { type Fault, nodeCount } from './schedule.js'

export interface Stage {
  readonly ports: readonly number[]
  /** Does what is wrong, and puts it right again. Settles when every node is ready, or does not become so. */
  perform (fault: Fault): Promise<void>
  /** What Redis holds that should be gone when nobody is there. */
  remains (): Promise<string[]>
  /** What a node answers over REST. */
  show (node: number, path: string): Promise<string>
  /** What the nodes have logged, each process by itself. */
  logs (): string[]
}

/** How long a node may take until it is ready again. Longer than it is allowed to, which the checker knows. In ms. */
const readyMs = 15_000
const askEveryMs = 50

/** The Redis of a run, and what can be done to it. */
interface Backend {
  /** As each node reaches it. */
  readonly urls: readonly string[]
  /** Empty where there is none. */
  readonly ways: readonly Way[]
  masters (): readonly RedisServer[]
  end (ms: number): Promise<void>
  failOver (isPlanned: boolean): Promise<void>
}

/** Ends a server, and starts another on its port, which is empty. */
async function restarted (t: Ending, { port, process }: RedisServer, extra: readonly string[] = []): Promise<RedisServer> {
  if (process.exitCode === null && process.signalCode === null) {
    process.kill('SIGKILL')
    await once(process, 'exit')
  }
  return await startRedis(t, port, extra)
}

async function pair (t: Ending): Promise<Backend> {
  let master = await startRedis(t, undefined, replicating)
  let replica = await startRedis(t, undefined, [...replicating, '--replicaof', '127.0.0.1', String(master.port)])
  const ways = await Promise.all(Array.from({ length: nodeCount }, async () => await wayTo(t, master)))
  return {
    urls: ways.map(({ url }) => url),
    ways,
    masters: () => [master],
    async end (ms) {
      master.process.kill('SIGKILL')
      await once(master.process, 'exit')
      await delay(ms)
      master = await restarted(t, master, replicating)
    },
    async failOver (isPlanned) {
      const [old, next] = [master, replica]
      if (!isPlanned) {
        old.process.kill('SIGKILL')
        await once(old.process, 'exit')
      }
      for (const way of ways) way.leadTo(next)
      await next.client.replicaof('NO', 'ONE')
      master = next
      const follows = ['--replicaof', '127.0.0.1', String(next.port)]
      if (isPlanned) await old.client.replicaof('127.0.0.1', next.port)
      replica = isPlanned ? old : await restarted(t, old, [...replicating, ...follows])
      await until(async () => (await replica.client.info('replication')).includes('master_link_status:up'))
    }
  }
}

async function cluster (t: Ending): Promise<Backend> {
  const { urls, nodes, restart, add } = await startCluster(t)
  // The first has a replica, which takes over from it and gives way again.
  let [first, second] = [nodes[0] as RedisServer, await add(nodes[0] as RedisServer)]
  return {
    urls: Array.from({ length: nodeCount }, () => urls.join()),
    ways: [],
    masters: () => [first, nodes[1] as RedisServer, nodes[2] as RedisServer],
    async end (ms) {
      const { process } = nodes[1] as RedisServer
      process.kill('SIGKILL')
      await once(process, 'exit')
      await delay(ms)
      await restart(1)
    },
    async failOver (isPlanned) {
      await second.client.call('CLUSTER', 'FAILOVER', ...isPlanned ? [] : ['TAKEOVER']);
      [first, second] = [second, first]
      await until(async () => (await first.client.info('replication')).includes('role:master'))
      await until(async () => (await second.client.info('replication')).includes('master_link_status:up'))
    }
  }
}

/** Has a process believe that it is another time. */
function clockAhead (ms: number): Env {
  if (ms === 0) return {}
  const code = `const now = Date.now; Date.now = () => now() + ${ms}
globalThis.Date = class extends Date { constructor (...given) { given.length > 0 ? super(...given) : super(now() + ${ms}) } }`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` }
}

/** Three nodes on one Redis with a replica, or on a cluster of Redis. */
export async function setUp (t: Ending, history: History, settings: Env, isCluster: boolean): Promise<Stage> {
  const redis = await (isCluster ? cluster : pair)(t)
  const ports = await Promise.all(Array.from({ length: nodeCount }, async () => await freePort()))
  const logs: Array<Running['output'] & { readonly node: number }> = []
  const start = (node: number, clockMs = 0): Running => {
    const env = { HOST: '127.0.0.1', PORT: String(ports[node]), REDIS_URL: redis.urls[node] as string, ...clockAhead(clockMs), ...settings }
    const running = run(t, env)
    logs.push(Object.assign(running.output, { node }))
    return running
  }
  const nodes = ports.map((_port, node) => start(node))
  const isReady = async (node: number) => await fetch(`${urlOf(ports[node] as number)}/ready`).then(({ ok }) => ok, () => false)
  const becomesReady = async (node: number) => {
    const since = performance.now()
    while (performance.now() - since < readyMs) {
      if (await isReady(node)) return Math.round(performance.now() - since)
      await delay(askEveryMs)
    }
  }
  for (const node of nodes.keys()) await becomesReady(node)

  const restart = async (signal: 'SIGKILL' | 'SIGTERM', { node, ms, clockMs }: Fault) => {
    const { child, exited } = nodes[node] as Running
    child.kill(signal)
    await exited
    await delay(signal === 'SIGKILL' ? ms : 0)
    nodes[node] = start(node, clockMs)
  }
  const stopped = async (processes: ReadonlyArray<{ kill: (signal: NodeJS.Signals) => boolean }>, ms: number) => {
    for (const one of processes) one.kill('SIGSTOP')
    await delay(ms)
    for (const one of processes) one.kill('SIGCONT')
  }
  const wayOf = (node: number) => redis.ways[node] as Way
  const frozen = async (ways: readonly Way[], ms: number) => {
    for (const way of ways) way.freeze('all')
    await delay(ms)
    for (const way of ways) way.thaw()
  }
  const deeds: Record<Fault['kind'], (fault: Fault) => Promise<unknown>> = {
    kill: async (fault) => await restart('SIGKILL', fault),
    drain: async (fault) => await restart('SIGTERM', fault),
    stop: async ({ node, ms }) => await stopped([(nodes[node] as Running).child], ms),
    isolate: async ({ node, ms }) => await frozen([wayOf(node)], ms),
    async cut ({ node, ms }) {
      wayOf(node).cut()
      await delay(ms)
      wayOf(node).join()
    },
    'redis ends': async ({ ms }) => await redis.end(ms),
    'redis stops': async ({ ms }) => await stopped(redis.masters().map(({ process }) => process), ms),
    emptied: async () => await Promise.all(redis.masters().map(async ({ client }) => await client.flushall())),
    'black hole': async ({ ms }) => await frozen(redis.ways, ms),
    failover: async () => await redis.failOver(false),
    'read only': async () => await redis.failOver(true)
  }
  return {
    ports,
    async perform (fault) {
      const { kind, node } = fault
      history.write({ kind: 'fault', fault: kind, node })
      await deeds[kind](fault)
      history.write({ kind: 'healed', fault: kind, node })
      await Promise.all(nodes.map(async (_node, at) => history.write({ kind: 'ready', node: at, ms: await becomesReady(at) })))
    },
    remains: async () => (await Promise.all(redis.masters().map(async ({ client }) => await leftIn(client)))).flat(),
    async show (node, path) {
      const response = await fetch(urlOf(ports[node] as number) + path)
      if (!response.ok) throw new Error(`${path} of node ${node} answers ${response.status}`)
      return await response.text()
    },
    logs: () => logs.map(({ node, stdout, stderr }) => `--- node ${node}\n${stdout}${stderr}`)
  }
}

/** What stays for as long as there are nodes, and what expires by itself soon. */
const staying = /^\{sb:0\}:(nodes|generation)$/
const expiring = /^(\{sb:\d+\}:(mail|mail-book|mail-ends|opened|empty|attempts|attempts-held|sessions):|sb:rate:)/
const soonMs = 200_000

async function leftIn (client: Redis): Promise<string[]> {
  const keys = (await client.keys('*')).filter((key) => !staying.test(key))
  const left = await Promise.all(keys.map(async (key) => {
    const ttl = await client.pttl(key)
    return ttl === -2 || (expiring.test(key) && ttl > 0 && ttl < soonMs) ? undefined : `${key.replaceAll('\n', '\\n')} for ${ttl} ms`
  }))
  return left.filter((key) => key !== undefined)
}
