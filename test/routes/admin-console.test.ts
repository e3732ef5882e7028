import { request as httpRequest } from 'node:http'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { enter } from '../../src/testing/actors.js'
import { bearing, withSecret } from '../auth/tokens.js'
import { build, connect, type Env, until, urlOf } from '../helper.js'
import { open, type Told } from './admin-streams.js'
import { type Subject, subjects } from './dialects.js'

const dialect = (name: string) => subjects.find((subject) => subject.name === name) as Subject
const [tom, drone, peerjs] = ['tom', 'drone', 'peerjs'].map(dialect) as [Subject, Subject, Subject]
const ops = bearing({ sub: 'ops', roles: ['admin'] })

interface Asking {
  readonly headers?: Record<string, string>
  readonly method?: string
  readonly body?: unknown
}

/** Unlike `fetch` it sends any header. */
async function ask (app: FastifyInstance, path: string, { headers = {}, method = 'GET', body }: Asking = {}) {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return await new Promise<{ status: number, headers: Record<string, unknown>, body: Told }>((resolve, reject) => {
    httpRequest(`${urlOf(app)}/admin/${path}`, {
      method,
      headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...headers }
    }, async (answer) => {
      const { statusCode: status = 0, headers } = answer
      if (String(headers['content-type']).startsWith('text/event-stream')) {
        answer.destroy()
        return resolve({ status, headers, body: {} as Told })
      }
      let got = ''
      for await (const part of answer) got += part
      resolve({ status, headers, body: (got === '' ? {} : JSON.parse(got)) as Told })
    }).on('error', reject).end(text)
  })
}

const routes = [
  ['GET', 'nodes'], ['GET', 'rooms'], ['GET', 'peers'], ['GET', 'events'], ['GET', 'follow?room=tom&id=alice'],
  ['POST', 'connections/00000000-1/close', {}], ['POST', 'nodes/00000000/drain']
] as const

/** The status of each route: 404 is that of those let in that name what is not there. */
async function statuses (app: FastifyInstance, headers: Record<string, string> = {}): Promise<number[]> {
  const all = []
  for (const [method, path, body] of routes) all.push((await ask(app, path, { method, headers, body })).status)
  return all
}

const letIn = [200, 200, 200, 200, 200, 404, 404]
const all = (status: number) => routes.map(() => status)

t.test('without auth the console is for clients on this machine', async (t) => {
  const app = await build(t, { TRUST_PROXY: 'loopback' })
  const { port } = new URL(urlOf(app))
  t.same(await statuses(app), letIn)
  for (const host of [`localhost:${port}`, `[::1]:${port}`, 'console.localhost']) t.same(await statuses(app, { host }), letIn, host)
  for (const headers of [
    { 'x-forwarded-for': '203.0.113.7' },
    { 'x-forwarded-for': '127.0.0.1, 203.0.113.7' },
    { 'x-forwarded-for': '203.0.113.7, 127.0.0.1' },
    { forwarded: 'for=203.0.113.7' },
    { 'x-real-ip': '127.0.0.1' },
    { via: '1.1 proxy' },
    { 'x-forwarded-host': 'signal.example' },
    // A page whose name has been made to point here.
    { host: `rebound.example:${port}`, origin: `http://rebound.example:${port}` },
    { host: `127.0.0.1.example:${port}` }
  ] as Array<Record<string, string>>) t.same(await statuses(app, headers), all(403), JSON.stringify(headers))
  t.match((await ask(app, 'nodes', { headers: { via: 'x' } })).body, { error: /CONSOLE_PUBLIC=true.*role admin/ })
})

t.test('a proxy that TRUST_PROXY does not name does not make its clients local', async (t) => {
  t.same(await statuses(await build(t), { 'x-forwarded-for': '203.0.113.7' }), all(403))
})

t.test('CONSOLE_PUBLIC=true lets everybody in', async (t) => {
  t.same(await statuses(await build(t, { CONSOLE_PUBLIC: 'true' }), { via: 'x', host: 'signal.example' }), letIn)
})

t.test('with auth it takes the role admin, from here, too, and whatever CONSOLE_PUBLIC is', async (t) => {
  const app = await build(t, { ...withSecret, CONSOLE_PUBLIC: 'true' })
  t.same(await statuses(app), all(401))
  t.same(await statuses(app, bearing({ sub: 'alice', roles: ['discover', 'assign'] }).headers), all(401))
  const token = ops.headers.authorization.split(' ')[1]
  t.equal((await ask(app, `events?token=${token}`)).status, 401, 'a token in the URL is none')
  t.same(await statuses(app, ops.headers), letIn)
})

t.test('no page of another site reads or does anything, and our own does, whatever ALLOWED_ORIGINS is', async (t) => {
  for (const env of [{}, { ALLOWED_ORIGINS: 'https://theirs.test' }] as Env[]) {
    const app = await build(t, { CONNECT_RATE: '1000', ...env })
    const { host } = new URL(urlOf(app))
    for (const headers of [
      { origin: 'https://theirs.test' },
      { origin: 'https://theirs.test', 'sec-fetch-site': 'cross-site' },
      { origin: `http://localhost:${new URL(urlOf(app)).port}`, 'sec-fetch-site': 'same-site' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' }
    ] as Array<Record<string, string>>) {
      t.same(await statuses(app, headers), all(403), JSON.stringify(headers))
      const { headers: answered, body } = await ask(app, 'nodes', { headers })
      t.same(body, { error: 'origin not allowed' })
      t.notOk('access-control-allow-origin' in answered, 'and cannot read that it may not')
    }
    t.same(await statuses(app, { origin: `http://${host}` }), letIn)
    t.same(await statuses(app, { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }), letIn)
    t.same(await statuses(app, { 'sec-fetch-site': 'none' }), letIn, 'somebody types the address')
    t.equal((await ask(app, 'nodes')).headers['cross-origin-resource-policy'], 'same-origin')
  }
})

t.test('nodes, rooms and peers are listed', async (t) => {
  const app = await build(t)
  await enter(t, app, tom, 'alice')
  await enter(t, app, tom, 'bob')
  await enter(t, app, peerjs, 'cam')
  await connect(t, app, '/')
  const { body: { here, nodes, silent, isComplete } } = await ask(app, 'nodes')
  t.match(nodes, [{ node: here, status: 'ready', connections: 4 }])
  t.same([silent, isComplete], [0, true])
  t.same((await ask(app, 'rooms')).body, {
    rooms: [{ room: 'tom', dialect: 'tom', peers: 2, nodes: 1 }, { room: 'peerjs/peerjs', dialect: 'peerjs', peers: 1, nodes: 1 }],
    total: 2
  })
  t.match((await ask(app, 'rooms?search=PEER&limit=1')).body, { rooms: [{ room: 'peerjs/peerjs' }], total: 1 })
  const { body: { peers, next } } = await ask(app, 'peers')
  t.equal(next, undefined)
  t.match(peers, [
    { connection: `${here}-1`, dialect: 'tom', room: 'tom', id: 'alice', address: '127.0.0.1', received: 1, bufferedBytes: 0 },
    { id: 'bob' }, { room: 'peerjs/peerjs', id: 'cam' }, { connection: `${here}-4` }
  ])
  t.notOk('id' in (peers[3] ?? {}), 'a client without an id is listed, too')
  const ids = async (query: string) => (await ask(app, `peers?${query}`)).body.peers.map(({ id }) => id)
  t.same(await ids('dialect=peerjs'), ['cam'])
  t.same(await ids('room=tom'), ['alice', 'bob'])
  t.same(await ids('search=BO'), ['bob'])
  const first = (await ask(app, `peers?node=${here}&limit=2`)).body
  t.same((await ids(`limit=2&after=${first.next}`)), ['cam', undefined])
})

t.test('what is asked wrongly is answered with 400 or 404 and what is wrong', async (t) => {
  const app = await build(t)
  for (const [path, status, error] of [
    ['peers?dialect=tomato', 400, /must be one of/], ['peers?node=11111111', 404, 'no such node'], ['peers?limit=0', 400, /limit/],
    ['peers?node=11111111&after=22222222-1', 400, /of this node/], ['follow?room=tom', 400, /'id'/], ['follow?id=alice', 400, /'room'/]
  ] as const) {
    const { status: got, body } = await ask(app, path)
    t.equal(got, status, path)
    t.match(body, { error }, path)
  }
  const long = { method: 'POST', body: { reason: 'é'.repeat(100) } }
  t.match(await ask(app, 'connections/00000000-1/close', long), { status: 400, body: { error: /123 bytes/ } })
})

t.test('a connection is closed with a reason', async (t) => {
  const app = await build(t)
  const events = await open(t, app, 'events')
  const alice = await enter(t, app, tom, 'alice')
  const { body: { peers: [listed] } } = await ask(app, 'peers')
  const close = async (body: unknown) => (await ask(app, `connections/${listed?.connection}/close`, { method: 'POST', body })).status
  t.equal(await close({ reason: 'Too loud' }), 204)
  t.same(await alice.client.closed, { code: 1008, reason: 'Too loud' })
  t.match(await events.next('audit', ({ event }) => event === 'kicked'), { id: 'alice', reason: 'Too loud', by: '127.0.0.1' })
  await until(async () => await close({}) === 404)
})

t.test('a node is drained', async (t) => {
  const app = await build(t, { DRAIN_MS: '0' })
  const alice = await enter(t, app, tom, 'alice')
  const { body: { here } } = await ask(app, 'nodes')
  t.match(await ask(app, `nodes/${here}/drain`, { method: 'POST' }), { status: 202, body: { status: 'draining', connections: 1 } })
  t.equal((await alice.client.closed).code, 1001)
  t.match((await ask(app, 'nodes')).body.nodes, [{ status: 'draining' }])
})

t.test('a sample comes every second, and what is audited as it happens', async (t) => {
  const app = await build(t)
  const events = await open(t, app, 'events')
  t.match(await events.next('sample'), { connections: 0, peers: 0, received: 0, sent: 0, closes: {}, handlingMs: 0 })
  const [alice, bob] = [await enter(t, app, tom, 'alice'), await enter(t, app, tom, 'bob')]
  t.match(await events.next('audit', ({ event }) => event === 'register'), { id: 'alice', room: 'tom', address: '127.0.0.1', time: Number })
  alice.signal('bob', 1)
  await bob.hears()
  alice.signal('nobody', 1)
  await bob.client.close()
  t.match(
    await events.next('sample', ({ closes }) => Object.keys(closes as object).length > 0),
    { connections: 1, peers: 1, closes: { 1005: 1 }, utilization: Number }
  )
  await fetch(`${urlOf(app)}/admin/node`)
  t.match(await events.next('audit', ({ event }) => event === 'refused'), { reason: 'unauthorized' })
})

t.test('of very many rooms the largest are told, and how many there are', async (t) => {
  const app = await build(t, { PLUGINS: './examples/y-webrtc/index.js' })
  const topics = (first: number) => Array.from({ length: 256 }, (_, at) => `topic ${first + at}`)
  for (let client = 0; client < 5; client++) {
    const many = await connect(t, app, '/y-webrtc')
    many.send({ type: 'subscribe', topics: topics(client * 256) })
  }
  const other = await connect(t, app, '/y-webrtc')
  other.send({ type: 'subscribe', topics: ['topic 1279'] })
  await until(() => app.state.size().peers === 5 * 256 + 1)
  const { body } = await ask(app, 'rooms?limit=2')
  t.match(body, { rooms: [{ room: 'y-webrtc/topic 1279', peers: 2 }, { peers: 1 }], total: 5 * 256 })
})

t.test('nothing listens to the audit trail while nobody looks', async (t) => {
  const app = await build(t)
  const { audit } = app.signalbox
  t.equal(audit.onRecord, undefined)
  const events = await open(t, app, 'events')
  await events.next('hello')
  t.ok(audit.onRecord)
  events.end()
  await until(() => audit.onRecord === undefined)
})

t.test('a peer is followed: what it sends, what it is sent and what became of it, and never what is in it', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await enter(t, app, drone, 'alice'), await enter(t, app, drone, 'bob')]
  const events = await open(t, app, 'events')
  const follow = await open(t, app, 'follow?room=drone&id=alice')
  t.match(await events.next('audit'), { event: 'traced', dialect: 'drone', room: 'drone', id: 'alice', by: '127.0.0.1' })
  alice.signal('bob', 'secret')
  t.match(await follow.next('frame'), { type: 'ice', from: 'alice', to: 'bob', bytes: Number, outcome: 'sent' })
  bob.signal('alice', 'secret')
  t.match(await follow.next('frame'), { type: 'ice', from: 'bob', to: 'alice', bytes: Number, outcome: 'sent' })
  alice.signal('nobody', 'secret')
  t.match(await follow.next('frame'), { from: 'alice', to: 'nobody', outcome: 'absent' })
  t.match(await follow.next('frame'), { type: 'error', to: 'alice', outcome: 'sent' })
  alice.send({ type: 'list' })
  t.match(await follow.next('frame'), { type: 'clients', to: 'alice' })
  t.match(await follow.next('frame'), { type: 'list', from: 'alice', outcome: 'handled' })
  alice.send({ type: 'my secret' })
  t.match(await follow.next('frame', ({ type }) => type === 'unknown'), { from: 'alice', outcome: 'unknown type' })
  await alice.client.close()
  t.match(await follow.next('frame', ({ type }) => type === 'closed'), { from: 'alice', outcome: '1005' })
  const again = await enter(t, app, drone, 'alice')
  t.match(await follow.next('frame'), { type: 'joined', from: 'alice' })
  again.signal('bob', 1)
  t.match(await follow.next('frame', ({ from }) => from === 'alice'), { to: 'bob', outcome: 'sent' })
})

t.test('a frame that never reaches the followed peer is told of', async (t) => {
  const app = await build(t)
  const bob = await enter(t, app, peerjs, 'bob')
  const follow = await open(t, app, 'follow?room=peerjs%2Fpeerjs&id=alice')
  await follow.next('hello')
  bob.signal('alice', 1)
  t.match(await follow.next('frame'), { type: 'OFFER', from: 'bob', to: 'alice', outcome: 'kept' })
})

t.test('once nobody follows, the relay and the connection are as before', async (t) => {
  const app = await build(t)
  const { relay, sessions } = app.state
  const before = [{ ...relay }, { ...sessions }]
  const alice = await enter(t, app, tom, 'alice')
  const [connection] = app.signalbox.connections
  const names = Object.getOwnPropertyNames(connection)
  const follow = await open(t, app, 'follow?room=tom&id=alice')
  await follow.next('hello')
  t.not(relay.send, before[0]?.send)
  t.not(Object.getOwnPropertyNames(connection).length, names.length)
  follow.end()
  await until(() => relay.send === before[0]?.send)
  t.same([{ ...relay }, { ...sessions }], before)
  t.same(Object.getOwnPropertyNames(connection), names)
  t.same(await alice.settle(), [])
})

t.test('of two followed ids of one client, the other is followed on when one is not any more', async (t) => {
  const app = await build(t, { PLUGINS: './examples/y-webrtc/index.js' })
  const client = await connect(t, app, '/y-webrtc')
  client.send({ type: 'subscribe', topics: ['one', 'two'] })
  await until(() => [...app.signalbox.connections][0]?.members.length === 2)
  const [connection] = app.signalbox.connections
  const paths = connection?.members.map(({ room, id }) => `follow?room=${encodeURIComponent(room)}&id=${encodeURIComponent(id)}`) ?? []
  const [kept, ended] = [await open(t, app, paths[0] as string), await open(t, app, paths[1] as string)]
  await Promise.all([kept.next('hello'), ended.next('hello')])
  const followed = connection?.process
  ended.end()
  await until(() => connection?.process !== followed)
  client.send({ type: 'ping' })
  t.match(await kept.next('frame', ({ type }) => type === 'ping'), { outcome: 'handled' })
})

t.test('a reader that is too slow is told how much it has missed', async (t: Test) => {
  const app = await build(t)
  const stream = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    httpRequest(`${urlOf(app)}/admin/events`, resolve).on('error', reject).end()
  })
  t.teardown(() => stream.destroy())
  await until(() => app.signalbox.audit.onRecord !== undefined)
  const { audit } = app.signalbox
  const room = 'r'.repeat(200)
  // More than its buffers hold, and then more than is kept for it.
  let written = 0
  const stuff = setInterval(() => { for (let at = 0; at < 900; at++) audit.info({ event: 'register', room, id: String(written++) }) }, 20)
  t.teardown(() => clearInterval(stuff))
  await until(() => written > 60_000)
  clearInterval(stuff)
  let text = ''
  for await (const part of stream) {
    text += part
    if (/event: omitted\ndata: \{"node":"[0-9a-f]{8}","records":\d+\}/.test(text)) break
  }
  t.pass('it is told')
})
