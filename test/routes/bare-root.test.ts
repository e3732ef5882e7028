import t from 'tap'
import { build, connect, type Frame } from '../helper.js'

const unknown = { type: 'error', error: 'unknown dialect', message: 'unknown dialect' }

/** What each dialect answers to a ping: no two alike. */
const toPing: Record<string, Frame> = {
  rooms: { type: 'error', message: 'Unknown message type: ping' },
  tom: { type: 'error', error: 'unknown message type' },
  psync: { type: 'error', payload: { message: 'unknown message type' } },
  drone: { type: 'pong' }
}

const rows: ReadonlyArray<readonly [dialect: string, frame: Frame, firstAnswer: Frame | undefined]> = [
  ['rooms', { type: 'create' }, { type: 'room_created' }],
  ['rooms', { type: 'join', roomId: '9999' }, { type: 'error', message: 'Room not found' }],
  ['rooms', { type: 'join', roomId: '9999', target: 'x', source_id: 'y' }, { type: 'error', message: 'Room not found' }],
  ['tom', { type: 'register', nodeId: 'n', username: 'N' }, { type: 'participants' }],
  ['tom', { type: 'register', nodeId: 'n' }, { type: 'error', error: 'missing nodeId or username' }],
  ['tom', { type: 'register', username: 'N' }, { type: 'error', error: 'missing nodeId or username' }],
  ['tom', { type: 'register', nodeId: 'n', username: 'N', id: 'x', source_id: 'y', payload: {} }, { type: 'participants' }],
  ['psync', { type: 'register', source_id: 'a', payload: { peer_id: 'a', group_id: 'g' } }, { type: 'peer_list' }],
  ['psync', { type: 'register', payload: { peer_id: 'a', group_id: 'g' } }, { type: 'peer_list' }],
  ['psync', { type: 'register', source_id: 'a' }, { type: 'error', payload: { message: 'missing peer_id or group_id' } }],
  ['psync', { type: 'register', payload: {}, id: 'x' }, { type: 'error', payload: { message: 'missing peer_id or group_id' } }],
  ['drone', { type: 'register', id: 'd' }, { type: 'registered', id: 'd' }],
  ['drone', { type: 'register', id: 'd', payload: 'text' }, { type: 'registered', id: 'd' }],
  ['drone', { type: 'list' }, { type: 'clients', clients: [], count: 0 }],
  ['drone', { type: 'list', source_id: 'a' }, { type: 'clients' }],
  ['drone', { type: 'offer', target: 'x', sdp: 'sdp' }, { type: 'error', message: 'Not registered' }],
  ['drone', { type: 'offer', target: 'x', source_id: 'y', sdp: 'sdp' }, { type: 'error', message: 'Not registered' }],
  ['psync', { type: 'offer', source_id: 'a', target_id: 'b', payload: {} }, { type: 'error', payload: { message: 'not registered' } }],
  ['psync', { type: 'heartbeat', source_id: 'a' }, undefined],
  ['tom', { type: 'heartbeat' }, undefined],
  ['tom', { type: 'role-assign', nodeId: 'n', roles: [] }, { type: 'error', error: 'not registered' }],
  ['tom', { type: 'signal', from: 'a', to: 'b', payload: 1 }, { type: 'error', error: 'not registered' }],
  ['tom', { type: 'signal', from: 'a' }, { type: 'error', error: 'missing to or from' }],
  ['tom', { type: 'signal', to: 'b' }, { type: 'error', error: 'missing to or from' }]
]

for (const [dialect, frame, firstAnswer] of rows) {
  t.test(`at the root, ${JSON.stringify(frame)} is ${dialect}, and is handled`, async (t) => {
    const app = await build(t)
    const client = await connect(t, app, '/')
    client.send(frame)
    if (firstAnswer !== undefined) t.match(await client.next(), firstAnswer)
    client.send({ type: 'ping' })
    t.match(await client.next(), toPing[dialect] as Frame)
  })
}

const misfits = [
  '{', 'null', '[]', '1', '"create"', '', {}, { type: 'nonsense' }, { type: 'register' }, { type: 'signal', payload: 1 },
  { type: 'register', payload: [] }, { type: 'register', payload: null }, { type: 'OFFER', dst: 'a' }, { type: ['create'] },
  { target_id: 'x' },
  '{"__proto__":{"target":"x","source_id":"y"}}', Buffer.from([0xff, 0xfe])
]

for (const frame of misfits) {
  const told = Buffer.isBuffer(frame) ? 'a binary frame that is no text' : JSON.stringify(frame)
  t.test(`at the root, ${told} fits no dialect, and the next frame may`, async (t) => {
    const app = await build(t)
    const client = await connect(t, app, '/')
    for (let attempt = 0; attempt < 2; attempt++) {
      client.send(frame)
      t.same(await client.next(), unknown)
    }
    client.send({ type: 'list' })
    t.match(await client.next(), { type: 'clients' })
  })
}

t.test('the third frame that fits no dialect closes the socket with 1008', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/')
  for (const frame of ['{', { type: 'nonsense' }, 'null']) client.send(frame)
  for (let frame = 0; frame < 3; frame++) t.same(await client.next(), unknown)
  t.equal((await client.closed).code, 1008)
})

t.test('a client that has sent on regardless is told the code all the same', async (t) => {
  const app = await build(t)
  for (let times = 0; times < 20; times++) {
    const client = await connect(t, app, '/')
    for (let frame = 0; frame < 1000; frame++) client.send({ type: 'nonsense' })
    t.equal((await client.closed).code, 1008)
  }
})

t.test('after the choice, what another dialect would understand is this dialect’s error', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/')
  client.send({ type: 'register', nodeId: 'n', username: 'N' })
  t.match(await client.next(), { type: 'participants' })
  for (const frame of [{ type: 'create' }, { type: 'ping' }, { type: 'offer', target: 'x' }, { type: 'offer', source_id: 'x' }]) {
    client.send(frame)
    t.same(await client.next(), { type: 'error', error: 'unknown message type' })
  }
  client.send('{')
  t.same(await client.next(), { type: 'error', error: 'invalid JSON' })
  client.send({ type: 'register', nodeId: 'n' })
  t.same(await client.next(), { type: 'error', error: 'missing nodeId or username' }, 'and errors close nothing')
})

t.test('peers at the root and on a dialect’s own path see each other', async (t) => {
  const app = await build(t)
  const atRoot = await connect(t, app, '/')
  const atTom = await connect(t, app, '/tom')
  atRoot.send({ type: 'register', nodeId: 'a', username: 'A' })
  await atRoot.nextOf('participants')
  atTom.send({ type: 'register', nodeId: 'b', username: 'B' })
  await atTom.nextOf('participants')
  atTom.send({ type: 'signal', from: 'b', to: 'a', payload: 1 })
  t.same(await atRoot.nextOf('signal'), { type: 'signal', from: 'b', to: 'a', payload: 1 })
  atRoot.send({ type: 'signal', from: 'a', to: 'b', payload: 2 })
  t.same(await atTom.nextOf('signal'), { type: 'signal', from: 'a', to: 'b', payload: 2 })
  await atRoot.close()
  t.match(await atTom.nextOf('presence'), { action: 'leave', nodeId: 'a' })
})

t.test('two sockets at the root may speak two dialects with one id', async (t) => {
  const app = await build(t)
  const [tom, drone] = [await connect(t, app, '/'), await connect(t, app, '/')]
  tom.send({ type: 'register', nodeId: 'a', username: 'A' })
  await tom.nextOf('participants')
  drone.send({ type: 'register', id: 'a' })
  await drone.nextOf('registered')
  drone.send({ type: 'list' })
  t.match(await drone.next(), { clients: [] })
  t.same(tom.taken(), [])
})

t.test('a dialect that is not spoken is not chosen', async (t) => {
  const app = await build(t, { DIALECTS: 'tom,rooms' })
  const client = await connect(t, app, '/')
  client.send({ type: 'list' })
  t.same(await client.next(), unknown)
  client.send({ type: 'register', id: 'd' })
  t.same(await client.next(), unknown)
  client.send({ type: 'create' })
  t.match(await client.next(), { type: 'room_created' })
})

t.test('frames sent at once are handled in order, the deciding one first', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/')
  client.send({ type: 'nonsense' })
  client.send({ type: 'register', id: 'd' })
  client.send({ type: 'ping' })
  client.send({ type: 'create' })
  t.same(await client.next(), unknown)
  t.match(await client.next(), { type: 'registered' })
  t.match(await client.next(), { type: 'pong' })
  t.match(await client.next(), { type: 'error', message: 'Unknown message type: create' })
})

t.test('a trailing slash is accepted on every path of a socket', async (t) => {
  const app = await build(t)
  for (const [path, frame, answer] of [
    ['/tom/', { type: 'ping' }, toPing.tom],
    ['/rooms/', { type: 'ping' }, toPing.rooms],
    ['/drone/', { type: 'ping' }, toPing.drone],
    ['/psync/ws/', { type: 'ping' }, toPing.psync],
    ['/ws/', { type: 'ping' }, toPing.psync],
    ['/ws', { type: 'ping' }, toPing.psync],
    ['/peerjs/?key=peerjs&id=a&token=b', { type: 'nonsense' }, { type: 'OPEN' }]
  ] as const) {
    const client = await connect(t, app, path)
    client.send(frame)
    t.match(await client.next(), answer as Frame, path)
  }
})
