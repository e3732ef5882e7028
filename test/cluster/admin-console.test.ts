import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { enter } from '../../src/testing/actors.js'
import { bearing, withSecret } from '../auth/tokens.js'
import { urlOf } from '../helper.js'
import { open, type Told } from '../routes/admin-streams.js'
import { builtIn, type Subject } from '../routes/dialects.js'
import { eventually, nodesOn } from './nodes.js'

const tom = builtIn.find(({ name }) => name === 'tom') as Subject
const { headers } = bearing({ sub: 'ops', roles: ['admin'] })

async function ask (app: FastifyInstance, path: string, method = 'GET', body?: unknown): Promise<{ status: number, body: Told }> {
  const answer = await fetch(`${urlOf(app)}/admin/${path}`, {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? {} as Told : JSON.parse(text) as Told }
}

const peer = async (t: Parameters<typeof enter>[0], app: FastifyInstance, id: string) =>
  await enter(t, app, tom, id, { options: bearing({ sub: id }) })

t.test('from one node, all nodes, their rooms and their peers are seen', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, withSecret) as unknown as { apps: [FastifyInstance, FastifyInstance] }
  const far = await peer(t, other, 'far')
  await peer(t, one, 'near')
  const { body: { here, nodes, silent, isComplete } } = await ask(one, 'nodes')
  t.same(nodes.map(({ node }) => node), [one.signalbox.connections.node, other.signalbox.connections.node])
  const [nearNode, farNode] = nodes.map(({ node }) => node)
  t.equal(here, nearNode)
  t.same([silent, isComplete], [0, true])
  t.same((await ask(one, 'rooms')).body.rooms, [{ room: 'tom', dialect: 'tom', peers: 2, nodes: 2 }])
  const { body: { peers } } = await ask(one, `peers?node=${farNode}`)
  t.match(peers, [{ id: 'far', subject: 'far' }])
  t.equal((await ask(one, `connections/${peers[0]?.connection}/close`, 'POST', { reason: 'Far away' })).status, 204)
  t.same(await far.client.closed, { code: 1008, reason: 'Far away' })
  t.match((await ask(one, `nodes/${farNode}/drain`, 'POST')), { status: 202, body: { status: 'draining' } })
  t.ok(other.signalbox.connections.isDraining)
  t.notOk(one.signalbox.connections.isDraining)
})

t.test('from one node, what happens on all nodes is seen', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, withSecret) as unknown as { apps: [FastifyInstance, FastifyInstance] }
  const farNode = other.signalbox.connections.node
  const events = await open(t, one, 'events', headers)
  await events.next('sample', ({ node }) => node === farNode)
  await peer(t, other, 'far')
  t.match(await events.next('audit', ({ event }) => event === 'register'), { node: farNode, id: 'far', room: 'tom' })
  t.match(await events.next('sample', ({ node }) => node === farNode), { connections: 1 })
})

t.test('a peer is followed from a node that it is not on, wherever it sends to', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, withSecret) as unknown as { apps: [FastifyInstance, FastifyInstance] }
  const [near, far] = [await peer(t, one, 'near'), await peer(t, other, 'far')]
  await near.settle()
  const follow = await open(t, one, 'follow?room=tom&id=far', headers)
  await eventually(() => Object.hasOwn([...other.signalbox.connections][0] as object, 'process'))
  const farNode = other.signalbox.connections.node
  far.signal('near', 1)
  t.match(await follow.next('frame', ({ from }) => from === 'far'), { node: farNode, type: 'signal', to: 'near', outcome: 'sent' })
  near.signal('far', 1)
  t.match(await follow.next('frame', ({ from }) => from === 'near'), { node: farNode, type: 'signal', to: 'far', outcome: 'sent' })
  far.signal('nobody', 1)
  t.match(await follow.next('frame', ({ to }) => to === 'nobody'), { node: farNode, outcome: 'absent' })
})

t.test('while Redis is away a node says that it does not know the others, and one that has gone is not there', async (t) => {
  const { redis, apps: [one, other] } = await nodesOn(t, 2, { ...withSecret, NODE_LEASE_MS: '1000' }) as unknown as
    { redis: Awaited<ReturnType<typeof nodesOn>>['redis'], apps: [FastifyInstance, FastifyInstance] }
  const farNode = other.signalbox.connections.node
  t.equal((await ask(one, `peers?node=${farNode}`)).status, 200)
  await other.close()
  t.equal((await ask(one, `peers?node=${farNode}`)).status, 404)
  t.same((await ask(one, 'nodes')).body.nodes.length, 1)
  redis.process.kill('SIGKILL')
  await eventually(async () => (await ask(one, 'nodes')).body.isComplete === false)
  t.match((await ask(one, 'nodes')).body, { nodes: [{ status: 'no redis' }], silent: 0 })
})
