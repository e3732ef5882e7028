import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { bearing, withSecret } from '../auth/tokens.js'
import { build, connect, type Env, urlOf } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn } from '../routes/dialects.js'
import { eventually, nodesOn, wayTo } from './nodes.js'

const ops = bearing({ sub: 'ops', roles: ['admin'] })

async function call (app: FastifyInstance, method: string, path: string): Promise<{ status: number, body: unknown }> {
  const answer = await fetch(`${urlOf(app)}/admin/${path}`, { method, ...ops })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

const disconnect = async (app: FastifyInstance, room: string, id: string) =>
  await call(app, 'DELETE', `peers?room=${encodeURIComponent(room)}&id=${encodeURIComponent(id)}`)

interface Page {
  connections: Array<{ connection: string, peers: Array<{ room: string, id: string }> }>
}

const list = async (app: FastifyInstance) => ((await call(app, 'GET', 'connections')).body as Page).connections

for (const subject of builtIn) {
  const title = 'a peer is disconnected by a call to another node, and the others hear of it where the dialect tells them'
  t.test(`${subject.name}: ${title}`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'admin-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const AUDIT_LOG = join(directory, 'audit.log')
    const { apps: [one, other] } = await nodesOn(
      t,
      2,
      { ...withSecret, ...subject.env, PSYNC_PEER_LEFT: 'true', AUDIT_LOG }
    ) as unknown as { apps: [FastifyInstance, FastifyInstance] }
    const beside = await enter(t, one, subject, 'beside', { options: bearing({ sub: 'beside' }) })
    const far = await enter(t, other, subject, 'far', { place: beside.place, options: bearing({ sub: 'far' }) })
    const target = await enter(t, one, subject, 'tar/get é', { place: beside.place, options: bearing({ sub: 'tar/get é' }) })
    const { room, id } = (await list(one)).flatMap(({ peers }) => peers).find(({ id }) => id === target.id) as { room: string, id: string }
    t.same((await list(other)).flatMap(({ peers }) => peers.map(({ id }) => id)), [far.id], 'a node lists its own')

    t.same(await disconnect(other, room, id), { status: 204, body: undefined })
    t.same(await target.client.closed, { code: 1008, reason: 'Disconnected by an administrator' })
    const { addressing } = subject
    if (['tom', 'drone', 'psync'].includes(subject.name)) {
      for (const { client } of [beside, far]) await client.nextThat((frame) => addressing?.isLeave?.(frame) === true)
    }
    await eventually(async () => (await disconnect(other, room, id)).status === 404)
    t.equal((await disconnect(one, room, id)).status, 404)
    for (const { client } of [beside, far]) t.equal(client.socket.readyState, client.socket.OPEN)
    const records = existsSync(AUDIT_LOG) ? readFileSync(AUDIT_LOG, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : []
    t.match(
      records.filter(({ event }) => event === 'kicked'),
      [{ dialect: subject.name, id, code: 1008, by: 'ops' }],
      'recorded once, with the administrator'
    )
  })
}

t.test('after a takeover on another node it is the newer connection that is disconnected', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, withSecret) as unknown as { apps: [FastifyInstance, FastifyInstance] }
  const [drone] = builtIn.filter(({ name }) => name === 'drone') as [typeof builtIn[0]]
  const options = bearing({ sub: 'x' })
  const older = await enter(t, one, drone, 'x', { options })
  const newer = await enter(t, other, drone, 'x', { options })
  t.equal((await older.client.closed).code, 4000)
  t.equal((await disconnect(one, 'drone', 'x')).status, 204)
  t.equal((await newer.client.closed).code, 1008)
})

t.test('a peer whose registration is under way is disconnected once it is there', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, withSecret) as unknown as { apps: [FastifyInstance, FastifyInstance] }
  for (let round = 0; round < 30; round++) {
    const client = await connect(t, one, '/tom', bearing({ sub: 'x' }))
    client.send({ type: 'register', nodeId: 'x', username: 'X' })
    await eventually(async () => (await disconnect(round % 2 === 0 ? other : one, 'tom', 'x')).status === 204)
    t.equal((await client.closed).code, 1008)
  }
})

t.test('without Redis a node disconnects its own peers, and says that it cannot tell of others', async (t) => {
  const { redis, apps: [other] } = await nodesOn(t, 1, withSecret)
  const way = await wayTo(t, redis)
  const cut = await build(t, { ...withSecret, REDIS_URL: way.url } satisfies Env)
  const [tom] = builtIn.filter(({ name }) => name === 'tom') as [typeof builtIn[0]]
  const near = await enter(t, cut, tom, 'near', { options: bearing({ sub: 'near' }) })
  const far = await enter(t, other as FastifyInstance, tom, 'far', { options: bearing({ sub: 'far' }) })
  t.match((await call(cut, 'GET', 'node')).body, { status: 'ready', state: 'redis', counters: { reconnects: 0 } })
  way.freeze('all')
  await eventually(() => !cut.state.isReady)
  t.match((await call(cut, 'GET', 'node')).body, { status: 'no redis' })
  t.same(await disconnect(cut, 'tom', 'far'), { status: 503, body: { error: 'cluster unavailable' } })
  t.equal((await disconnect(cut, 'tom', 'near')).status, 204)
  t.equal((await near.client.closed).code, 1008)
  way.thaw()
  await eventually(async () => (await disconnect(cut, 'tom', 'far')).status === 204)
  t.equal((await far.client.closed).code, 1008)
})

t.test('a drained node’s clients find each other on the other one', async (t) => {
  const { apps: [one, other] } = await nodesOn(
    t,
    2,
    { ...withSecret, DRAIN_MS: '0' }
  ) as unknown as { apps: [FastifyInstance, FastifyInstance] }
  const [tom] = builtIn.filter(({ name }) => name === 'tom') as [typeof builtIn[0]]
  const leaving = await enter(t, one, tom, 'a', { options: bearing({ sub: 'a' }) })
  const staying = await enter(t, other, tom, 'b', { options: bearing({ sub: 'b' }) })
  t.equal((await call(one, 'POST', 'drain')).status, 202)
  t.equal((await leaving.client.closed).code, 1001)
  const back = await enter(t, other, tom, 'a', { options: bearing({ sub: 'a' }) })
  staying.signal('a', 'again')
  t.same((await back.hears()).load, 'again')
  t.match((await call(other, 'GET', 'node')).body, { status: 'ready' })
})
