import { once } from 'node:events'
import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { build, until, urlOf } from '../helper.js'
import { type RedisServer, startCluster } from '../redis.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'

const tom = builtIn.find(({ name }) => name === 'tom') as Subject
const isReady = async (app: FastifyInstance) => (await fetch(`${urlOf(app)}/ready`)).status === 200

t.test('when one master of three dies, peers of one node reach each other, and all of them when it is back', async (t) => {
  const cluster = await startCluster(t)
  const env = { REDIS_URL: cluster.urls.join(',') }
  const [one, other] = [await build(t, env), await build(t, env)]
  const alice = await enter(t, one, tom, 'alice')
  const ann = await enter(t, one, tom, 'ann')
  const bob = await enter(t, other, tom, 'bob')
  for (const [at, { process }] of cluster.nodes.entries()) {
    process.kill('SIGKILL')
    await once(process, 'exit')
    for (const app of [one, other]) await until(async () => !await isReady(app))
    alice.signal('ann', `without ${at}`)
    t.same((await ann.hears()).load, `without ${at}`)
    alice.signal('bob', 'lost')
    t.match(await alice.client.nextThat(tom.isError), { error: 'peer not found' })
    await cluster.restart(at)
    for (const app of [one, other]) await until(async () => await isReady(app))
    alice.signal('bob', at)
    t.same((await bob.hears()).load, at)
    bob.signal('alice', at)
    t.same((await alice.hears()).load, at)
  }
})

t.test('a slot that moves to another master takes its room along', async (t) => {
  const cluster = await startCluster(t)
  const env = { REDIS_URL: cluster.urls.join(',') }
  const [one, other] = [await build(t, env), await build(t, env)]
  const alice = await enter(t, one, tom, 'alice')
  const bob = await enter(t, other, tom, 'bob')
  const [members] = (await Promise.all(cluster.nodes.map(async ({ client }) => await client.keys('*members*')))).flat()
  const slot = await (cluster.nodes[0] as RedisServer).client.cluster('KEYSLOT', members as string)
  await move(cluster.nodes, slot)
  for (const app of [one, other]) await until(async () => !await isReady(app))
  for (const app of [one, other]) await until(async () => await isReady(app))
  for (const load of [1, 2, 3]) {
    alice.signal('bob', load)
    t.same((await bob.hears()).load, load)
    bob.signal('alice', load)
    t.same((await alice.hears()).load, load)
  }
  const carol = await enter(t, one, tom, 'carol')
  await bob.client.nextThat(({ action, nodeId }) => action === 'join' && nodeId === 'carol')
  await carol.client.close()
  await bob.client.nextThat(({ action, nodeId }) => action === 'leave' && nodeId === 'carol')
})

/** Moves a slot from the master that has it to another one, as `redis-cli --cluster reshard` does. */
async function move (nodes: readonly RedisServer[], slot: number): Promise<void> {
  const ids = await Promise.all(nodes.map(async ({ client }) => await client.cluster('MYID')))
  const counts = await Promise.all(nodes.map(async ({ client }) => await client.cluster('COUNTKEYSINSLOT', slot)))
  const from = counts.findIndex((count) => count > 0)
  const to = (from + 1) % nodes.length
  const [source, target] = [nodes[from], nodes[to]] as [RedisServer, RedisServer]
  await target.client.cluster('SETSLOT', slot, 'IMPORTING', ids[from] as string)
  await source.client.cluster('SETSLOT', slot, 'MIGRATING', ids[to] as string)
  const keys = await source.client.cluster('GETKEYSINSLOT', slot, 1000)
  await source.client.migrate('127.0.0.1', target.port, '', 0, 5000, 'KEYS', ...keys)
  for (const { client } of [target, source, ...nodes]) await client.cluster('SETSLOT', slot, 'NODE', ids[to] as string)
}
