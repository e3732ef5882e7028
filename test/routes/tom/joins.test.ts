import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Client, connect, type Env, type Frame, until } from '../../helper.js'
import { nodesOn } from '../../cluster/nodes.js'
import { buildInVirtualTime, StandingClock } from '../../virtual-time.js'
import { idsIn, listOf, news, register } from './nodes.js'

/** Within so many ms after a change a list for all is due in a small mesh. */
const tickMs = 25

/** A server of tom whose clock stands: no list for all comes before the test lets time pass. */
interface Mesh {
  readonly app: FastifyInstance
  pass (ms: number): Promise<void>
}

async function oneNode (t: Test, env: Env = {}): Promise<Mesh> {
  const { app, pass } = await buildInVirtualTime(t, { DIALECTS: 'tom', ...env }, tickMs, undefined, new StandingClock())
  return { app, pass }
}

interface Node {
  readonly client: Client
  /** The ids in the list that it got when it joined, and in those since. Sorted: a clock that stands puts nobody in order. */
  readonly own: string[]
  readonly later: string[][]
}

/** A node that has its own list. */
async function node (t: Test, app: FastifyInstance, nodeId: string): Promise<Node> {
  const client = await connect(t, app, '/tom')
  const lists: string[][] = []
  client.socket.on('message', (data) => {
    const ids = idsIn(JSON.parse(String(data)) as Frame)
    if (ids.length > 0) lists.push(ids.sort())
  })
  await register(client, nodeId)
  const [own = []] = lists.splice(0)
  return { client, own, later: lists }
}

async function heardOf (client: Client, nodeId: string): Promise<void> {
  await client.nextThat((frame) => frame.action === 'join' && frame.nodeId === nodeId)
}

t.test('a node that joins gets its list at once, and the others hear of it at once; only their lists wait', async (t) => {
  const { app, pass } = await oneNode(t)
  const alice = await node(t, app, 'a')
  t.same(alice.own, ['a'])
  const bob = await node(t, app, 'b')
  t.same(bob.own, ['a', 'b'])
  await heardOf(alice.client, 'b')
  t.same(alice.later, [])
  await pass(tickMs)
  await news(alice.client, ['a', 'b'], bob.client)
  await news(bob.client, ['b', 'a'], alice.client)
  t.same(alice.later, [['a', 'b']])
  t.same(bob.later, [], 'who has the list as it is gets it no second time')
})

t.test('200 nodes that join are sent one list each, and one more when all are there, which is complete', async (t) => {
  const { app, pass } = await oneNode(t)
  const nodes: Node[] = []
  for (let at = 0; at < 200; at++) nodes.push(await node(t, app, `n${at}`))
  const all = nodes.map((_, at) => `n${at}`)
  for (const [at, { own, later }] of nodes.entries()) {
    t.same(own, all.slice(0, at + 1).sort())
    t.same(later, [])
  }
  all.sort()
  const last = nodes.pop() as Node
  for (const { client } of nodes) await heardOf(client, 'n199')
  await pass(tickMs)
  await until(() => nodes.every(({ later }) => later.length > 0))
  await pass(1000)
  for (const [at, { client, later }] of nodes.entries()) {
    await news(last.client, ['n199', `n${at}`], client)
    t.same(later, [all])
  }
  await news(last.client, ['n199', 'n199'], last.client)
  t.same(last.own, all)
  t.same(last.later, [], 'the last one had it already')
})

// The clocks of two nodes cannot stand: their Redis has one of its own.
t.test('over two nodes, a node that joins gets its list at once, and in the end all have a list of all', async (t) => {
  const { apps } = await nodesOn(t, 2)
  const nodes: Node[] = []
  for (let at = 0; at < 60; at++) nodes.push(await node(t, apps[at % 2] as FastifyInstance, `n${at}`))
  const all = nodes.map((_, at) => `n${at}`)
  for (const [at, { own }] of nodes.entries()) t.same(own, all.slice(0, at + 1).sort())
  all.sort()
  await until(() => nodes.every(({ own, later }) => (later.at(-1) ?? own).length === all.length))
  for (const { own, later } of nodes) t.same(later.at(-1) ?? own, all)
})

t.test('nodes that join at once get one list, which holds all of them', async (t) => {
  const mesh = await oneNode(t)
  const clients = await Promise.all(Array.from({ length: 20 }, async () => await connect(t, mesh.app, '/tom')))
  const ids = clients.map((_, at) => `n${at}`)
  for (const [at, client] of clients.entries()) client.send({ type: 'register', nodeId: ids[at], username: 'n' })
  const first = await Promise.all(clients.map(async (client) => idsIn(await client.nextOf('participants'))))
  t.ok(first.every((list, at) => list.includes(ids[at] as string)))
  await mesh.pass(tickMs)
  for (const [at, client] of clients.entries()) if (first[at]?.length !== ids.length) await listOf(client, ...ids)
})

t.test('a list for all follows a leave that came after a node had its own', async (t) => {
  const mesh = await oneNode(t)
  const alice = await node(t, mesh.app, 'a')
  const bob = await node(t, mesh.app, 'b')
  await alice.client.close()
  await bob.client.nextThat(({ action }) => action === 'leave')
  t.same(bob.later, [])
  await mesh.pass(tickMs)
  await listOf(bob.client, 'b')
})

t.test('a node that registers again while it reads nothing gets the list with its latest name when it reads on', async (t) => {
  const mesh = await oneNode(t, { MESSAGE_RATE: '1000000000', MESSAGE_BURST: '1000000000', MAX_BUFFERED: '100000000' })
  const key = 'k'.repeat(1024)
  for (let at = 0; at < 64; at++) await register(await connect(t, mesh.app, '/tom'), `n${at}`, { encryptionKey: key })
  const slow = await connect(t, mesh.app, '/tom')
  await register(slow, 'slow')
  slow.socket.pause()
  const witness = await connect(t, mesh.app, '/tom')
  await register(witness, 'witness')
  // More than the kernel takes.
  for (let round = 1; round <= 300; round++) {
    slow.send({ type: 'register', nodeId: 'slow', username: `u${round}` })
    await witness.nextThat(({ username }) => username === `u${round}`)
  }
  slow.socket.resume()
  const names = ({ participants = [] }: Frame) => (participants as Array<Record<string, string>>).map(({ username }) => username)
  t.ok(await slow.nextThat((frame) => names(frame).includes('u300')))
})
