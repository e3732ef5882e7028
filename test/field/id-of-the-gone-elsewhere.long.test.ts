import { once } from 'node:events'
import { connect as dial, createServer, type AddressInfo, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { nodesOn, tomPeer } from '../cluster/nodes.js'
import { begin, build, type Client, connect, type Env, totals, until, urlOf } from '../helper.js'
import { start } from '../process.js'
import { join, pathOf } from '../routes/peerjs/join.js'

async function isLetIn (client: Client): Promise<boolean> {
  return (await client.next()).type === 'OPEN'
}

function claim (t: Test, app: FastifyInstance | number, token: string): Client {
  return begin(t, app, pathOf('alice', { token }))
}

/** A way to a server that stops passing anything on, without a word to either side. */
async function wayTo (t: Test, app: FastifyInstance): Promise<{ port: number, vanish: () => void }> {
  const sockets = new Set<Socket>()
  let hasVanished = false
  const server = createServer((near) => {
    const far = dial(Number(new URL(urlOf(app)).port), '127.0.0.1')
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from)
      from.on('error', () => {}).on('data', (bytes: Buffer) => { if (!hasVanished) to.write(bytes) })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, vanish: () => { hasVanished = true } }
}

async function twoNodes (t: Test, env: Env = {}): Promise<[FastifyInstance, FastifyInstance]> {
  const { apps: [one, other] } = await nodesOn(t, 2, env)
  return [one as FastifyInstance, other as FastifyInstance]
}

/** Servers that share their peers: one in memory, or two on one Redis. */
const topologies: Record<string, (t: Test, env: Env) => Promise<[FastifyInstance, FastifyInstance]>> = {
  async 'on one node' (t, env) {
    const app = await build(t, env)
    return [app, app]
  },
  'over two nodes': twoNodes
}

for (const [where, serve] of Object.entries(topologies)) {
  t.test(`200 of 200 who connect in the tick of the last one’s goodbye have its id, ${where}`, async (t) => {
    const apps = await serve(t, {})
    let holder = await join(t, apps[0], 'alice', { token: 'first' })
    let letIn = 0
    for (let round = 0; round < 200; round++) {
      holder.socket.close()
      holder = claim(t, apps[round % 2 === 0 ? 1 : 0], `token ${round}`)
      if (!await isLetIn(holder)) break
      letIn++
    }
    t.equal(letIn, 200)
  })

  t.test(`a page whose network vanished is back within 3 s with a fresh token, ${where}`, async (t) => {
    const [one, other] = await serve(t, {})
    const way = await wayTo(t, one)
    await join(t, way.port, 'alice', { token: 'old' })
    way.vanish()
    const startedAt = performance.now()
    const back = claim(t, other, 'fresh')
    t.ok(await isLetIn(back))
    const tookMs = performance.now() - startedAt
    t.ok(tookMs < 3_000, `back after ${Math.round(tookMs)} ms`)
    await until(() => totals(one).closed(4101) === 1)
    back.send({ type: 'OFFER', dst: 'alice', payload: 'to myself' })
    t.match(await back.next(), { type: 'OFFER', payload: 'to myself' })
  })
}

t.test('a holder on another node that answers keeps its id', async (t) => {
  const [one, other] = await twoNodes(t)
  const holder = await join(t, one, 'alice', { token: 'mine' })
  const startedAt = performance.now()
  t.notOk(await isLetIn(claim(t, other, 'another')))
  t.ok(performance.now() - startedAt < 1_000, 'who is refused does not wait for ID_PROBE_MS')
  t.equal(holder.socket.readyState, holder.socket.OPEN)
})

t.test('newcomers of two nodes share one question to the holder, and one of them has the id', async (t) => {
  const { apps } = await nodesOn(t, 2)
  const holder = await connect(t, apps[0] as FastifyInstance, pathOf('alice', { token: 'mine' }), { autoPong: false })
  await holder.nextOf('OPEN')
  let pings = 0
  holder.socket.on('ping', () => pings++)
  const newcomers = Array.from({ length: 10 }, (_, n) => claim(t, apps[n % 2] as FastifyInstance, `token ${n}`))
  const letIn = await Promise.all(newcomers.map(isLetIn))
  t.equal(letIn.filter((isIn) => isIn).length, 1)
  t.equal(pings, 1)
  t.equal((await holder.closed).code, 4101)
})

t.test('with ID_TAKEOVER=reject, who vanished on another node is told of as left, and the newcomer as joined, once each', async (t) => {
  const [one, other] = await twoNodes(t, { ID_TAKEOVER: 'reject', ID_PROBE_MS: '500' })
  const witnesses = [await tomPeer(t, one, 'w1'), await tomPeer(t, other, 'w2')]
  const holder = await connect(t, one, '/tom', { autoPong: false })
  holder.send({ type: 'register', nodeId: 'x', username: 'old' })
  await holder.nextOf('participants')
  const newcomer = await connect(t, other, '/tom')
  newcomer.send({ type: 'register', nodeId: 'x', username: 'new' })
  await newcomer.nextOf('participants')
  await newcomer.close()
  for (const witness of witnesses) {
    const heard: unknown[] = []
    await witness.nextThat(({ type, action, nodeId, username }) => {
      if (type === 'presence' && nodeId === 'x') heard.push([action, ...(action === 'join' ? [username] : [])])
      return heard.length === 4
    })
    t.same(heard, [['join', 'old'], ['leave'], ['join', 'new'], ['leave']])
  }
})

t.test('the id of a client whose node was killed is free after ID_PROBE_MS', async (t) => {
  const { apps: [app], redis } = await nodesOn(t, 1)
  const { port, child } = await start(t, { REDIS_URL: redis.url })
  await join(t, port, 'alice', { token: 'mine' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const startedAt = performance.now()
  t.ok(await isLetIn(claim(t, app as FastifyInstance, 'fresh')))
  t.ok(performance.now() - startedAt < 3_500)
})

t.test('a node that stands still loses no client’s id', async (t) => {
  const { apps: [app], redis } = await nodesOn(t, 1)
  const { port, child } = await start(t, { REDIS_URL: redis.url })
  const holder = await join(t, port, 'alice', { token: 'mine' })
  child.kill('SIGSTOP')
  t.notOk(await isLetIn(claim(t, app as FastifyInstance, 'another')))
  child.kill('SIGCONT')
  holder.send({ type: 'OFFER', dst: 'alice', payload: 'still here' })
  t.match(await holder.next(), { type: 'OFFER', payload: 'still here' })
})

t.test('while Redis is away a node asks its own clients, and gives the id of one that vanished to the next', async (t) => {
  const { apps, redis } = await nodesOn(t, 1)
  const app = apps[0] as FastifyInstance
  const way = await wayTo(t, app)
  await join(t, way.port, 'alice', { token: 'old' })
  redis.process.kill('SIGKILL')
  await until(() => !app.state.isReady)
  t.notOk(await isLetIn(claim(t, app, 'another')), 'who is there keeps it')
  way.vanish()
  t.ok(await isLetIn(claim(t, app, 'fresh')))
})
