import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { createService } from '../../src/service.js'
import { readConfig } from '../../src/settings.js'
import { eventually, isReady, nodesOn } from '../cluster/nodes.js'
import { build, type Client, connect, type Env } from '../helper.js'
import { startRedis } from '../redis.js'
import { idsIn, join, listOf, register } from '../routes/tom/nodes.js'

/** Waits for the list in which the node has the username, and returns the ids in it. */
async function listWith (client: Client, nodeId: string, username: string): Promise<string[]> {
  const list = await client.nextThat(({ participants = [] }) => {
    return (participants as Array<Record<string, string>>).some((node) => node.nodeId === nodeId && node.username === username)
  })
  return idsIn(list)
}

interface Three {
  alice: Client
  bob: Client
  carol: Client
  /** Their ids as they stand in the list. */
  inOrder: string[]
}

/**
 * alice, bob and carol, who register in this order. They stand in the list in another one at times: where two register on two nodes
 * within the milliseconds to which a node knows the clock of Redis.
 */
async function three (t: Test, apps: readonly FastifyInstance[]): Promise<Three> {
  const client = async (at: number, nodeId: string) => await join(t, appAt(apps, at), nodeId)
  const [alice, bob] = [await client(0, 'alice'), await client(1, 'bob')]
  const carol = await connect(t, appAt(apps, 2), '/tom')
  carol.send({ type: 'register', nodeId: 'carol', username: 'carol' })
  const inOrder = idsIn(await listOf(carol, 'alice', 'bob', 'carol'))
  if (apps.length === 1) t.same(inOrder, ['alice', 'bob', 'carol'])
  return { alice, bob, carol, inOrder }
}

/** Clients connect to the nodes in turn. */
function appAt (apps: readonly FastifyInstance[], at: number): FastifyInstance {
  return apps[at % apps.length] as FastifyInstance
}

const places: Record<string, (t: Test, env?: Env) => Promise<FastifyInstance[]>> = {
  'on one node': async (t, env) => [await build(t, env)],
  'over two nodes': async (t, env) => (await nodesOn(t, 2, env)).apps
}

for (const [where, start] of Object.entries(places)) {
  t.test(`tom, ${where}: a node that registers again keeps its place in everybody's list`, async (t) => {
    const { alice, bob, carol, inOrder } = await three(t, await start(t))
    await register(alice, 'alice', { username: 'Alice' })
    for (const client of [bob, carol]) t.same(await listWith(client, 'alice', 'Alice'), inOrder)
    await register(bob, 'bob', { username: 'Bob' })
    for (const client of [alice, carol]) t.same(await listWith(client, 'bob', 'Bob'), inOrder)
  })

  t.test(`tom, ${where}: a node that registers over another connection keeps its place`, async (t) => {
    const apps = await start(t)
    const { alice, bob, carol, inOrder } = await three(t, apps)
    // With two nodes, on the one that it was not on.
    const again = await connect(t, appAt(apps, 1), '/tom')
    await register(again, 'alice', { username: 'Alice' })
    t.equal((await alice.closed).code, 4000)
    for (const client of [bob, carol]) t.same(await listWith(client, 'alice', 'Alice'), inOrder)
    const late = await connect(t, appAt(apps, 0), '/tom')
    late.send({ type: 'register', nodeId: 'dave', username: 'dave' })
    for (const client of [late, again, bob, carol]) {
      t.same(await listWith(client, 'dave', 'dave'), [...inOrder, 'dave'], 'and whoever comes later sees it there')
    }
  })

  t.test(`tom, ${where}: a node that registers under another id, or after it has left, comes last`, async (t) => {
    const apps = await start(t)
    const { alice, bob, carol, inOrder } = await three(t, apps)
    await register(alice, 'zoe')
    const others = inOrder.filter((id) => id !== 'alice')
    for (const client of [bob, carol]) t.same(await listWith(client, 'zoe', 'zoe'), [...others, 'zoe'])
    alice.socket.close()
    await carol.nextThat((frame) => frame.type === 'presence' && frame.action === 'leave' && frame.nodeId === 'zoe')
    await join(t, appAt(apps, 1), 'alice')
    for (const client of [bob, carol]) t.same(await listWith(client, 'alice', 'alice'), [...others, 'alice'])
  })
}

t.test('tom: a node that registers again while Redis is away, or before it ever was there, keeps its place once it is', async (t) => {
  const port = await freePort()
  const app = createService(readConfig({ REDIS_URL: `redis://127.0.0.1:${port}`, NODE_LEASE_MS: '1000', LOG_LEVEL: 'silent' }, []))
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { alice, bob, inOrder } = await three(t, [app])
  const ready = async () => await isReady(app)
  await register(alice, 'alice', { username: 'Alice' })
  t.same(await listWith(bob, 'alice', 'Alice'), inOrder)
  const redis = await startRedis(t, port)
  await eventually(ready)
  await register(bob, 'bob', { username: 'Bob' })
  t.same(await listWith(alice, 'bob', 'Bob'), inOrder)

  redis.process.kill('SIGKILL')
  await eventually(async () => !await ready())
  await register(alice, 'alice', { username: 'Alice again' })
  t.same(await listWith(bob, 'alice', 'Alice again'), inOrder)
  await startRedis(t, port)
  await eventually(ready)
  const other = await build(t, { REDIS_URL: `redis://127.0.0.1:${port}`, NODE_LEASE_MS: '1000' })
  await eventually(async () => (await other.state.peers.list('tom')).length === 3)
  t.same((await other.state.peers.list('tom')).map(({ id }) => id), inOrder, 'which a node that starts then sees, too')
})
