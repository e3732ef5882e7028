import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { bearing, tokenFor, withSecret } from '../auth/tokens.js'
import { build, connect, type Env, refusal, until, urlOf } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject, subjects } from './dialects.js'

const dialect = (name: string) => subjects.find((subject) => subject.name === name) as Subject
const [tom, drone, psync, yWebrtc] = ['tom', 'drone', 'psync', 'y-webrtc'].map(dialect) as [Subject, Subject, Subject, Subject]

const adminClaims = { sub: 'ops', roles: ['admin'] }
const ops = bearing(adminClaims)

interface Listed {
  connection: string
  dialect?: string
  peers: Array<{ room: string, id: string }>
  subject?: string
  address: string
  openedAt: string
  ageMs: number
  idleMs: number
  received: number
  sent: number
  bufferedBytes: number
}

interface Page {
  connections: Listed[]
  next?: string
}

const guarded = async (t: Test, env: Env = {}) => await build(t, { ...withSecret, ...env })

async function call (app: FastifyInstance, method: string, path: string): Promise<{ status: number, body: unknown, headers: Headers }> {
  const answer = await fetch(`${urlOf(app)}/admin/${path}`, { method, ...ops })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), headers: answer.headers }
}

const list = async (app: FastifyInstance, query = '') => (await call(app, 'GET', `connections${query}`)).body as Page

const peerPath = (room: string, id: string) => `peers?room=${encodeURIComponent(room)}&id=${encodeURIComponent(id)}`

/** A peer of a dialect, with a token of its own. */
const peer = async (t: Test, app: FastifyInstance, subject: Subject, id: string, place?: string) =>
  await enter(t, app, subject, id, { place, options: bearing({ sub: id }) })

/** Where a dialect's only peer with this id is. */
async function roomOf (app: FastifyInstance, id: string): Promise<string> {
  return (await list(app)).connections.flatMap(({ peers }) => peers).find((peer) => peer.id === id)?.room as string
}

t.test('the connections of a dialect are listed with who and where they are, and since when', async (t) => {
  const app = await guarded(t)
  const before = Date.now()
  await peer(t, app, tom, 'alice')
  await peer(t, app, drone, 'cam')
  const { connections, next } = await list(app, '?dialect=tom')
  t.equal(next, undefined)
  t.equal(connections.length, 1)
  const [alice] = connections as [Listed]
  t.match(
    alice,
    { dialect: 'tom', peers: [{ room: 'tom', id: 'alice' }], subject: 'alice', address: '127.0.0.1', received: 1, bufferedBytes: 0 }
  )
  t.match(alice.connection, /^[0-9a-f]{8}-1$/)
  const openedAt = Date.parse(alice.openedAt)
  t.ok(openedAt >= before && openedAt <= Date.now(), alice.openedAt)
  t.ok(alice.ageMs >= 0 && alice.ageMs <= Date.now() - before, `${alice.ageMs} ms`)
  t.ok(alice.idleMs >= 0 && alice.idleMs <= alice.ageMs, `${alice.idleMs} ms`)
  t.same((await list(app)).connections.map(({ dialect }) => dialect), ['tom', 'drone'], 'without a dialect, those of all')
  t.same((await list(app, '?dialect=rooms')).connections, [])
})

t.test('counters and age go on', async (t) => {
  const app = await guarded(t)
  const alice = await peer(t, app, drone, 'alice')
  const look = async () => (await list(app)).connections[0] as Listed
  const first = await look()
  for (let round = 0; round < 3; round++) t.same(await alice.settle(), [])
  await until(async () => (await look()).ageMs > first.ageMs)
  const second = await look()
  t.equal(second.received, first.received + 3)
  t.equal(second.sent, first.sent + 3)
  t.equal(second.openedAt, first.openedAt)
  t.equal(second.connection, first.connection)
})

t.test('a socket at the bare root has no dialect before its first frame, and is no peer before it registers', async (t) => {
  const app = await guarded(t)
  const client = await connect(t, app, '/', bearing({ sub: 'alice' }))
  const [listed] = (await list(app)).connections as [Listed]
  t.notOk('dialect' in listed)
  t.same(listed.peers, [])
  client.send({ type: 'list' })
  await client.next()
  t.match((await list(app, '?dialect=drone')).connections, [{ connection: listed.connection, dialect: 'drone', peers: [], received: 1 }])
})

t.test('long lists come in pages, in the order of arrival, each connection once', async (t) => {
  const app = await guarded(t)
  const clients = []
  for (let at = 0; at < 5; at++) {
    clients.push(await peer(t, app, tom, `t${at}`))
    await peer(t, app, drone, `d${at}`)
  }
  const ids: string[] = []
  const sizes: number[] = []
  let page: Page = await list(app, '?dialect=tom&limit=2')
  // Who leaves takes nobody's place in the list, and who comes is at its end.
  await clients[1]?.client.close()
  await until(async () => (await list(app)).connections.length === 9)
  await peer(t, app, tom, 't5')
  for (; ; page = await list(app, `?dialect=tom&limit=2&after=${page.next}`)) {
    sizes.push(page.connections.length)
    ids.push(...page.connections.map(({ peers }) => peers[0]?.id as string))
    if (page.next === undefined) break
  }
  t.same(ids, ['t0', 't1', 't2', 't3', 't4', 't5'])
  t.same(sizes, [2, 2, 2], 'the last page says that it is')
})

t.test('what is asked wrongly is answered with 400 and what is wrong', async (t) => {
  const app = await guarded(t)
  for (const [method, path, error] of [
    ['GET', 'connections?limit=0', 'querystring/limit must be >= 1'],
    ['GET', 'connections?limit=1001', 'querystring/limit must be <= 1000'],
    ['GET', 'connections?limit=many', 'querystring/limit must be integer'],
    ['GET', 'connections?after=17', /^querystring\/after must match pattern/],
    ['GET', 'connections?after=00000000-1', 'querystring/after must be a connection of this node'],
    ['GET', 'connections?dialect=tomato', 'querystring/dialect must be one of drone, peerjs, psync, rooms, tom'],
    ['GET', 'connections?dialect=tom&dialect=drone', 'querystring/dialect must be string'],
    ['DELETE', 'connections/17', /^params\/connection must match pattern/],
    ['DELETE', 'peers?room=tom', 'querystring must have required property \'id\''],
    ['DELETE', 'peers?id=alice', 'querystring must have required property \'room\''],
    ['DELETE', 'peers?room=tom&id=', 'querystring/id must NOT have fewer than 1 characters'],
    ['DELETE', 'peers?room=tom&id=a&id=b', 'querystring/id must be string'],
    ['DELETE', 'peers?room=tom&id=a%00', /^querystring\/id must match pattern/]
  ] as const) {
    const { status, body } = await call(app, method, path)
    t.equal(status, 400, path)
    t.match(body, { error }, path)
    t.same(Object.keys(body as object), ['error'])
  }
})

const everyRoute = [
  ['GET', 'connections'], ['DELETE', 'connections/CONNECTION'], ['DELETE', 'peers?room=tom&id=alice'], ['GET', 'node'],
  ['POST', 'drain']
] as const

t.test('it takes a token with the role admin, in the Authorization header and nowhere else', async (t) => {
  const app = await guarded(t)
  const alice = await peer(t, app, tom, 'alice')
  const [{ connection }] = (await list(app)).connections as [Listed]
  const token = tokenFor(adminClaims)
  for (const [method, route] of everyRoute) {
    const path = route.replace('CONNECTION', connection)
    const query = `${path.includes('?') ? '&' : '?'}`
    for (const [what, suffix, headers] of [
      ['no token', '', {}],
      ['no role', '', bearing({ sub: 'alice' }).headers],
      ['other roles', '', bearing({ sub: 'alice', roles: ['discover', 'assign', 'administrator'] }).headers],
      ['forged', '', bearing(adminClaims, { key: 'other' }).headers],
      ['?token=', `${query}token=${token}`, {}],
      ['?access_token=', `${query}access_token=${token}`, {}],
      ['?token= beside a header without the role', `${query}token=${token}`, bearing({ sub: 'alice' }).headers],
      ['subprotocol', '', { 'sec-websocket-protocol': `signalbox.jwt, ${token}` }],
      ['cookie', '', { cookie: `token=${token}` }],
      ['Basic', '', { authorization: `Basic ${token}` }]
    ] as Array<[string, string, Record<string, string>]>) {
      const answer = await fetch(`${urlOf(app)}/admin/${path}${suffix}`, { method, headers })
      t.equal(answer.status, 401, `${method} ${route}: ${what}`)
      t.same(await answer.json(), { error: 'Unauthorized' })
      t.equal(answer.headers.get('www-authenticate'), 'Bearer')
    }
  }
  await alice.settle()
  t.equal(alice.client.socket.readyState, alice.client.socket.OPEN, 'nobody was disconnected')
  t.equal((await fetch(`${urlOf(app)}/ready`)).status, 200, 'and nothing drains')
})

t.test('without auth nobody is an administrator', async (t) => {
  const app = await build(t)
  for (const [method, path] of everyRoute) t.equal((await call(app, method, path.replace('CONNECTION', '00000000-1'))).status, 401, path)
})

t.test('who has called too often gets 429, and who calls from another origin 403', async (t) => {
  const app = await guarded(t, { CONNECT_RATE: '2', ALLOWED_ORIGINS: 'https://ours.test' })
  t.equal((await fetch(`${urlOf(app)}/admin/node`, { headers: { ...ops.headers, origin: 'https://theirs.test' } })).status, 403)
  for (const status of [200, 200, 429]) t.equal((await call(app, 'GET', 'connections')).status, status)
})

for (const subject of builtIn) {
  t.test(`${subject.name}: a peer is disconnected with 1008, and is not there any more`, async (t) => {
    const app = await guarded(t, { ...subject.env, PSYNC_PEER_LEFT: 'true' })
    const bob = await peer(t, app, subject, 'bob')
    const alice = await peer(t, app, subject, 'alice', bob.place)
    await bob.settle()
    const room = await roomOf(app, alice.id)
    const { status, body } = await call(app, 'DELETE', peerPath(room, alice.id))
    t.same([status, body], [204, undefined])
    t.same(await alice.client.closed, { code: 1008, reason: 'Disconnected by an administrator' })
    t.same(await call(app, 'DELETE', peerPath(room, alice.id)).then(({ status, body }) => [status, body]), [404, { error: 'no such peer' }])
    const { addressing } = subject
    if (['tom', 'drone', 'psync'].includes(subject.name)) await bob.client.nextThat((frame) => addressing?.isLeave?.(frame) === true)
    if (addressing !== undefined) {
      bob.signal(alice.id, 'are you there')
      await bob.client.nextThat((frame) => JSON.stringify(frame) === JSON.stringify(addressing.vanished(bob.id, alice.id)))
    }
    t.equal(bob.client.socket.readyState, bob.client.socket.OPEN)
    t.same(
      (await list(app)).connections.filter(({ peers }) => peers.length > 0).flatMap(({ peers }) => peers.map(({ id }) => id)),
      [bob.id]
    )
  })
}

t.test('rooms and ids may be any text', async (t) => {
  const app = await guarded(t)
  for (const id of ['a/b', '../c', 'd e+f', '50%', 'ünï©ødé 🎥', '?x=1&y#z', '.', 'x'.repeat(256), '🎥'.repeat(128)]) {
    const { client } = await enter(t, app, psync, id, { place: id, options: bearing({ sub: id }) })
    t.equal((await call(app, 'DELETE', peerPath(`psync/${id}`, `${[...id].slice(1).join('')}!`))).status, 404, 'not another')
    t.equal((await call(app, 'DELETE', peerPath(`psync/${id}`, id))).status, 204, id)
    t.equal((await client.closed).code, 1008)
  }
})

t.test('only the one peer is disconnected, though others have its id or its room', async (t) => {
  const app = await guarded(t)
  const others = [
    await peer(t, app, tom, 'x'), await peer(t, app, drone, 'x'), await peer(t, app, psync, 'x', 'red'),
    await peer(t, app, psync, 'y', 'blue')
  ]
  const target = await peer(t, app, psync, 'x', 'blue')
  t.equal((await call(app, 'DELETE', peerPath('psync/blue', 'x'))).status, 204)
  t.equal((await target.client.closed).code, 1008)
  for (const { client } of others) t.equal(client.socket.readyState, client.socket.OPEN)
})

t.test('a connection that is in two rooms leaves both', async (t) => {
  const app = await guarded(t, yWebrtc.env)
  const client = await connect(t, app, yWebrtc.path('a'), bearing({ sub: 'a' }))
  client.send({ type: 'subscribe', topics: ['one', 'two'] })
  client.send({ type: 'ping' })
  await client.nextOf('pong')
  const [{ peers }] = (await list(app, '?dialect=y-webrtc')).connections as [Listed]
  t.same(peers.map(({ room }) => room), ['y-webrtc/one', 'y-webrtc/two'])
  const [one, two] = peers as [Listed['peers'][0], Listed['peers'][0]]
  t.equal((await call(app, 'DELETE', peerPath(two.room, two.id))).status, 204)
  t.equal((await client.closed).code, 1008)
  for (const { room, id } of [one, two]) t.equal((await call(app, 'DELETE', peerPath(room, id))).status, 404, room)
})

t.test('a connection that is no peer is closed by its name, and only on its node', async (t) => {
  const app = await guarded(t)
  const client = await connect(t, app, '/tom', bearing({ sub: 'alice' }))
  const [{ connection }] = (await list(app)).connections as [Listed]
  const [node, number] = connection.split('-')
  for (const wrong of [`${node === '00000000' ? '11111111' : '00000000'}-${number}`, `${node}-2`]) {
    t.same(
      await call(app, 'DELETE', `connections/${wrong}`).then(({ status, body }) => [status, body]),
      [404, { error: 'no such connection on this node' }]
    )
  }
  t.equal((await call(app, 'DELETE', `connections/${connection}`)).status, 204)
  t.same(await client.closed, { code: 1008, reason: 'Disconnected by an administrator' })
  await until(async () => (await call(app, 'DELETE', `connections/${connection}`)).status === 404)
})

t.test('the audit trail says which administrator it was', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'admin-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'audit.log')
  const app = await guarded(t, { AUDIT_LOG: path, DRAIN_MS: '0' })
  const events = (event: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
    .split('\n').filter((line) => line !== '')
    .map((line) => JSON.parse(line)).filter((record) => record.event === event)
  const [alice, bob, carol] = [
    await peer(t, app, tom, 'alice'), await connect(t, app, '/drone', bearing({ sub: 'bob' })), await peer(t, app, drone, 'carol')
  ]
  await call(app, 'DELETE', peerPath('tom', 'alice'))
  await alice.client.closed
  await call(app, 'DELETE', `connections/${(await list(app, '?dialect=drone')).connections[0]?.connection}`)
  await bob.closed
  t.match(events('kicked'), [
    { dialect: 'tom', id: 'alice', subject: 'alice', code: 1008, reason: 'Disconnected by an administrator', by: 'ops' },
    { dialect: 'drone', subject: 'bob', code: 1008, reason: 'Disconnected by an administrator', by: 'ops' }
  ])
  await call(app, 'POST', 'drain')
  await carol.client.closed
  t.match(events('drained'), [{ dialect: 'drone', id: 'carol', code: 1001, by: 'ops' }])
  await fetch(`${urlOf(app)}/admin/node`)
  t.match(events('refused'), [{ reason: 'unauthorized', address: '127.0.0.1' }])
})

t.test('/admin/node says how the node does', async (t) => {
  const app = await guarded(t, { MAX_CLIENTS: '7', DIALECTS: 'tom,drone' })
  await peer(t, app, tom, 'alice')
  const { status, body, headers } = await call(app, 'GET', 'node')
  t.equal(status, 200)
  t.equal(headers.get('cache-control'), 'no-store')
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  t.match(body, {
    node: (await list(app)).connections[0]?.connection.split('-')[0],
    host: /./,
    version,
    status: 'ready',
    state: 'memory',
    uptime: Number,
    connections: 1,
    maxClients: 7,
    dialects: [{ dialect: 'tom', connections: 1, registrations: 1 }, { dialect: 'drone', connections: 0, registrations: 0 }],
    size: { peers: 1, rooms: 1, largestRoom: 1, mailboxes: 0, mailboxBytes: 0, sessions: 0, attempts: 0 }
  })
  const { memory, eventLoop } = body as { memory: Record<string, number>, eventLoop: { utilization: number, delayMs: number } }
  for (const [name, bytes] of Object.entries(memory)) t.ok(bytes > 100_000, `${name}: ${bytes}`)
  t.ok(eventLoop.utilization >= 0 && eventLoop.utilization <= 1)
  t.ok(eventLoop.delayMs >= 0)
})

t.test('a drain lets nobody in, closes everybody with 1001, and leaves the process there', async (t) => {
  const app = await guarded(t, { DRAIN_MS: '300' })
  const clients = []
  for (const subject of builtIn) clients.push((await peer(t, app, subject, 'alice')).client)
  const startedAt = performance.now()
  const { status, body } = await call(app, 'POST', 'drain')
  t.equal(status, 202)
  t.match(body, { status: 'draining', drainMs: 300 })
  t.equal((await fetch(`${urlOf(app)}/ready`)).status, 503)
  t.equal((await refusal(t, app, '/tom', bearing({ sub: 'bob' }))).status, 503)
  t.same((await call(app, 'POST', 'drain')).status, 202, 'asked again, it goes on')
  const closings = await Promise.all(clients.map(async ({ closed }) => await closed))
  t.ok(performance.now() - startedAt >= 200, 'not all at once')
  t.same(closings.map(({ code }) => code), [1001, 1001, 1001, 1001, 1001])
  await until(async () => (await list(app)).connections.length === 0)
  t.equal((await fetch(`${urlOf(app)}/health`)).status, 200)
  t.match((await call(app, 'GET', 'node')).body, { status: 'draining', connections: 0, size: { peers: 0 } })
})

t.test('it is in the API document, with what it takes and answers', async (t) => {
  const { paths, components } = await (await fetch(`${urlOf(await build(t))}/openapi.json`)).json() as {
    paths: Record<string, Record<string, { responses: Record<string, unknown>, security?: unknown, parameters?: Array<{ name: string }> }>>
    components: { securitySchemes: Record<string, unknown> }
  }
  for (const [path, method, statuses, parameters] of [
    ['/admin/connections', 'get', ['200', '400', '401'], ['dialect', 'limit', 'after']],
    ['/admin/connections/{connection}', 'delete', ['204', '400', '401', '404'], ['connection']],
    ['/admin/peers', 'delete', ['204', '400', '401', '404', '503'], ['room', 'id']],
    ['/admin/node', 'get', ['200', '401'], []],
    ['/admin/drain', 'post', ['202', '401'], []]
  ] as const) {
    const route = paths[path]?.[method]
    t.same(Object.keys(route?.responses ?? {}).sort(), statuses, path)
    t.same((route?.parameters ?? []).map(({ name }) => name), parameters, path)
    t.same(route?.security, [{ bearer: [] }], path)
  }
  t.match(components.securitySchemes.bearer, { type: 'http', scheme: 'bearer' })
})
