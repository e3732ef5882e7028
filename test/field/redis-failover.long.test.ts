import { once } from 'node:events'
import { type AddressInfo, connect as dial, createServer, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { RawData } from 'ws'
import { countersOf, eventually, heardOf, isReady, signal, tomPeer } from '../cluster/nodes.js'
import { build, type Client } from '../helper.js'
import { type RedisServer, replicating, startCluster, startRedis } from '../redis.js'

const backWithinMs = 5_000

/** An address behind which servers come and go: what is connected stays where it is, what connects anew gets to the latest. */
async function forwarder (t: Test, first: RedisServer): Promise<{ url: string, leadTo: (redis: RedisServer) => void }> {
  let { port: target } = first
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const redis = dial(target, '127.0.0.1')
    for (const [from, to] of [[client, redis], [redis, client]] as const) {
      sockets.add(from)
      from.on('error', () => {}).on('close', () => to.destroy()).pipe(to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, leadTo: ({ port }) => { target = port } }
}

/** A master with a replica that has all of its data. */
async function pair (t: Test): Promise<[master: RedisServer, replica: RedisServer]> {
  const [master, replica] = [await startRedis(t, undefined, replicating), await startRedis(t, undefined, replicating)]
  await follow(replica, master)
  return [master, replica]
}

async function follow (replica: RedisServer, master: RedisServer): Promise<void> {
  await replica.client.replicaof('127.0.0.1', master.port)
  await eventually(async () => (await replica.client.info('replication')).includes('master_link_status:up'))
}

interface Pair {
  readonly apps: readonly [FastifyInstance, FastifyInstance]
  readonly a: Client
  readonly b: Client
}

/** Two nodes with a peer each, who know of each other. */
async function twoNodes (t: Test, url: string): Promise<Pair> {
  const env = { REDIS_URL: url, NODE_LEASE_MS: '3000' }
  const apps = [await build(t, env), await build(t, env)] as const
  const [a, b] = [await tomPeer(t, apps[0], 'a'), await tomPeer(t, apps[1], 'b')]
  await heardOf(a, 'b')
  return { apps, a, b }
}

/** Signals cross from one to the other before long, and each one is delivered or answered with an error. */
async function crosses (t: Test, apps: Pair['apps'], [from, to]: [Client, Client], ends: readonly [string, string]): Promise<void> {
  const text = `from ${ends[0]} to ${ends[1]}`
  const counts = { sent: 0, arrived: 0, refused: 0 }
  const onArrival = (data: RawData): void => { if (String(data).includes(text)) counts.arrived++ }
  const onAnswer = (data: RawData): void => { if (String(data).includes('peer not found')) counts.refused++ }
  to.socket.on('message', onArrival)
  from.socket.on('message', onAnswer)
  await eventually(async () => {
    if (!await isReady(apps[0]) || !await isReady(apps[1])) return false
    from.send(signal(...ends, { text, number: ++counts.sent }))
    return counts.arrived > 0
  })
  await eventually(() => counts.arrived + counts.refused === counts.sent)
  to.socket.off('message', onArrival)
  from.socket.off('message', onAnswer)
  t.ok(counts.arrived > 0, `${text}: ${counts.arrived} delivered, ${counts.refused} refused`)
}

/** Signals cross in time both ways, and both nodes are ready. */
async function isBack (t: Test, { apps, a, b }: Pair, since: number): Promise<void> {
  await crosses(t, apps, [a, b], ['a', 'b'])
  await crosses(t, apps, [b, a], ['b', 'a'])
  const ms = performance.now() - since
  t.ok(ms < backWithinMs, `signals cross again after ${Math.round(ms)} ms`)
  const late = await tomPeer(t, apps[0], 'late')
  await heardOf(b, 'late')
  await late.close()
  t.equal(a.socket.readyState, a.socket.OPEN, 'and nobody was disconnected')
}

t.test('two Redis swap their roles behind one address: nodes follow to the new master', async (t) => {
  const [first, second] = await pair(t)
  const way = await forwarder(t, first)
  const nodes = await twoNodes(t, way.url)
  for (const [master, replica] of [[first, second], [second, first]] as const) {
    const reconnects = nodes.apps.map((app) => countersOf(app).reconnects)
    await replica.client.replicaof('NO', 'ONE')
    way.leadTo(replica)
    const since = performance.now()
    await follow(master, replica)
    await eventually(() => nodes.apps.every((app, at) => countersOf(app).reconnects === (reconnects[at] as number) + 1))
    await isBack(t, nodes, since)
    t.match(await replica.client.info('clients'), /connected_clients:[4-9]/, 'both connections of both nodes are at the new master')
  }
})

t.test('a master that lost its replicas and takes no writes is left for the one that the address leads to by then', async (t) => {
  const [first, second] = await pair(t)
  const way = await forwarder(t, first)
  const nodes = await twoNodes(t, way.url)
  await first.client.config('SET', 'min-replicas-to-write', '1')
  await second.client.replicaof('NO', 'ONE')
  await eventually(async () => !await isReady(nodes.apps[0]) && !await isReady(nodes.apps[1]))
  way.leadTo(second)
  await isBack(t, nodes, performance.now())
})

t.test('a replica without its master is left for the one that the address leads to by then', async (t) => {
  const [first, second] = await pair(t)
  const way = await forwarder(t, first)
  const nodes = await twoNodes(t, way.url)
  await second.client.replicaof('NO', 'ONE')
  await first.client.config('SET', 'replica-serve-stale-data', 'no')
  // Nobody listens there.
  await first.client.replicaof('127.0.0.1', 1)
  await eventually(async () => !await isReady(nodes.apps[0]) && !await isReady(nodes.apps[1]))
  way.leadTo(second)
  await isBack(t, nodes, performance.now())
})

/** A cluster of three masters, each with a replica. */
async function replicated (t: Test): Promise<{ urls: string[], masters: RedisServer[], replicas: RedisServer[] }> {
  const { nodes, urls, add } = await startCluster(t)
  const replicas = []
  for (const master of nodes) replicas.push(await add(master))
  return { urls, masters: [...nodes], replicas }
}

t.test('a replica in a Redis Cluster takes over (CLUSTER FAILOVER): nodes follow to the new master', async (t) => {
  const { urls, replicas } = await replicated(t)
  const nodes = await twoNodes(t, urls.join(','))
  for (const { client } of replicas) {
    await client.call('CLUSTER', 'FAILOVER')
    await eventually(async () => (await client.info('replication')).includes('role:master'))
    await isBack(t, nodes, performance.now())
  }
})

t.test('a master of a Redis Cluster is killed: nodes follow to its replica', async (t) => {
  const { urls, masters, replicas } = await replicated(t)
  const nodes = await twoNodes(t, urls.join(','))
  for (const at of [0, 1]) {
    const [master, replica] = [masters[at], replicas[at]] as [RedisServer, RedisServer]
    master.process.kill('SIGKILL')
    await once(master.process, 'exit')
    await eventually(async () => (await replica.client.info('replication')).includes('role:master'), 30_000)
    await eventually(async () => (await replica.client.cluster('INFO')).includes('cluster_state:ok'))
    await isBack(t, nodes, performance.now())
  }
})
