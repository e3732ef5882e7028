import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { bearing, withSecret } from '../auth/tokens.js'
import { eventually, isReady, listenTo, tomPeer, type Way, wayTo } from '../cluster/nodes.js'
import { build, connect, type Env, type Reachable } from '../helper.js'
import { start } from '../process.js'
import { type RedisServer, startRedis } from '../redis.js'
import { type Actor, enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'

interface Place {
  readonly redis: RedisServer
  readonly ways: [Way, Way]
  readonly nodes: [FastifyInstance, FastifyInstance]
}

/** Two nodes, each with a way to Redis that can be blocked. */
async function twoNodes (t: Test, env: Env = {}): Promise<Place> {
  const redis = await startRedis(t)
  const ways: [Way, Way] = [await wayTo(t, redis), await wayTo(t, redis)]
  const node = async ({ url }: Way) => await build(t, { REDIS_URL: url, NODE_LEASE_MS: '1000', ...env })
  return { redis, ways, nodes: [await node(ways[0]), await node(ways[1])] }
}

async function cutOff ({ ways, nodes }: Place): Promise<void> {
  for (const way of ways) way.freeze('all')
  await eventually(async () => !await isReady(nodes[0]) && !await isReady(nodes[1]))
}

const back = async (node: Reachable) => await eventually(async () => await isReady(node as FastifyInstance))

/** Ends an outage. `empty`: Redis has lost everything, and the second node is back first. */
async function bringBack (t: Test, { redis, ways, nodes }: Place, kind: 'whole' | 'empty'): Promise<void> {
  if (kind === 'empty') {
    redis.process.kill('SIGKILL')
    await startRedis(t, redis.port)
    ways[1].thaw()
    await back(nodes[1])
  }
  for (const way of ways) way.thaw()
  for (const node of nodes) await back(node)
}

const addressed = builtIn.filter(({ addressing }) => addressing !== undefined)
const anyId = (sub: string) => bearing({ sub, ids: ['*'], groups: ['*'] })

/** Whoever holds the id hears from a witness, on either node; the other was closed with 4000. */
async function settled (
  t: Test,
  { nodes }: Place,
  subject: Subject,
  holder: Actor,
  other: Actor,
  witness: (name: string) => ReturnType<typeof bearing>
): Promise<void> {
  t.equal((await other.client.closed).code, 4000)
  for (const [at, node] of nodes.entries()) {
    const caller = await enter(t, node, subject, `caller${at}`, { place: holder.place, options: witness(`caller${at}`) })
    caller.signal('alice', `from ${at}`)
    t.match(await holder.hears(), { load: `from ${at}` })
  }
}

for (const subject of addressed) {
  for (const kind of ['whole', 'empty'] as const) {
    const title = 'who holds an id before an outage holds it after, whoever else took it meanwhile'
    t.test(`${subject.name}: ${title} (Redis ${kind})`, async (t) => {
      const place = await twoNodes(t, withSecret)
      const alice = await enter(t, place.nodes[0], subject, 'alice', { options: anyId('alice') })
      await cutOff(place)
      const thief = await enter(t, place.nodes[1], subject, 'alice', { place: alice.place, options: anyId('mallory') })
      await bringBack(t, place, kind)
      await settled(t, place, subject, alice, thief, anyId)
    })
  }
}

t.test('of two owners who register one id during an outage the earlier one keeps it', async (t) => {
  for (const [first, second] of [[0, 1], [1, 0]] as const) {
    await t.test(`node ${first} was first`, async (t) => {
      const place = await twoNodes(t)
      await cutOff(place)
      const path = (token: string) => ({ ...addressed[0] as Subject, path: (id: string) => `/peerjs?key=peerjs&id=${id}&token=${token}` })
      const earlier = await enter(t, place.nodes[first], path('one'), 'alice')
      // Further apart than what the nodes know of the clock of Redis is off.
      await delay(500)
      const later = await enter(t, place.nodes[second], path('other'), 'alice')
      await bringBack(t, place, 'whole')
      await settled(t, place, path('caller'), earlier, later, () => ({ headers: { authorization: '' } }))
    })
  }
})

t.test('within one owner the latest registration wins, and the others hear of a join and of no leave', async (t) => {
  const place = await twoNodes(t)
  const witnesses = [await tomPeer(t, place.nodes[0], 'w0'), await tomPeer(t, place.nodes[1], 'w1')]
  const tom = builtIn.find(({ name }) => name === 'tom') as Subject
  const older = await enter(t, place.nodes[0], tom, 'alice')
  await Promise.all(witnesses.map(async (witness) =>
    await witness.nextThat(({ action, nodeId }) => action === 'join' && nodeId === 'alice')))
  const heard = witnesses.map(listenTo)
  await cutOff(place)
  const newer = await enter(t, place.nodes[1], tom, 'alice')
  await bringBack(t, place, 'whole')
  t.equal((await older.client.closed).code, 4000)
  await eventually(() => heard.every((news) => news.includes('join alice')))
  await tomPeer(t, place.nodes[0], 'last')
  await eventually(() => heard.every((news) => news.includes('join last')))
  t.notOk(heard.flat().includes('leave alice'))
  newer.signal('w0', 'still here')
  t.match(await witnesses[0]?.nextOf('signal'), { from: 'alice' })
})

t.test('the others hear of no leave when an id comes back to its owner', async (t) => {
  const place = await twoNodes(t, withSecret)
  const tom = builtIn.find(({ name }) => name === 'tom') as Subject
  const witnesses = [
    await enter(t, place.nodes[0], tom, 'w0', { options: anyId('w0') }), await enter(t, place.nodes[1], tom, 'w1', { options: anyId('w1') })
  ]
  const alice = await enter(t, place.nodes[0], tom, 'alice', { options: anyId('alice') })
  await Promise.all(witnesses.map(async ({ client }) =>
    await client.nextThat(({ action, nodeId }) => action === 'join' && nodeId === 'alice')))
  const heard = witnesses.map(({ client }) => listenTo(client))
  await cutOff(place)
  const thief = await enter(t, place.nodes[1], tom, 'alice', { options: anyId('mallory') })
  await bringBack(t, place, 'empty')
  t.equal((await thief.client.closed).code, 4000)
  await enter(t, place.nodes[0], tom, 'last', { options: anyId('last') })
  await eventually(() => heard.every((news) => news.includes('join last')))
  t.notOk(heard.flat().includes('leave alice'))
  t.equal(heard[1]?.filter((what) => what === 'join alice').length, 2, 'the thief’s, and its owner’s again')
  await alice.client.close()
  await eventually(() => heard.every((news) => news.includes('leave alice')))
})

t.test('what a node’s clock says counts for nothing', async (t) => {
  const redis = await startRedis(t)
  const dir = t.testdir()
  const late = join(dir, 'late.mjs')
  writeFileSync(late, 'const { now } = Date\nDate.now = () => now() - 3600000\nexport default async () => {}\n')
  const ways = [await wayTo(t, redis), await wayTo(t, redis)] as const
  const node = async ({ url }: Way, more: Env) => (await start(
    t,
    { REDIS_URL: url, NODE_LEASE_MS: '1000', CONNECT_RATE: '1000000', ...more }
  )).port
  const [right, wrong] = [await node(ways[0], {}), await node(ways[1], { PLUGINS: late })]
  for (const port of [right, wrong]) await back(port)
  const peerjs = async (port: number, token: string) => {
    const client = await connect(t, port, `/peerjs?key=peerjs&id=alice&token=${token}`)
    await client.nextOf('OPEN')
    return client
  }
  const alice = await peerjs(right, 'one')
  for (const way of ways) way.freeze('all')
  for (const port of [right, wrong]) await eventually(async () => !await isReady(port))
  const thief = await peerjs(wrong, 'other')
  for (const way of ways) way.thaw()
  t.equal((await thief.closed).code, 4000)
  t.equal(alice.socket.readyState, alice.socket.OPEN)
})
