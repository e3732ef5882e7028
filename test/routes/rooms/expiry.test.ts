import t from 'tap'
import { buildOnly, connect, until, urlOf } from '../../helper.js'
import { create, creator, error, join, joiner, tryJoin } from './members.js'

const build = buildOnly('rooms')

/** The least that may be set. */
const timeoutMs = 1000

t.test('a room without create, join or signal expires: its sockets are closed with 4001', async (t) => {
  const app = await build(t, { ROOM_TIMEOUT_MS: String(timeoutMs) })
  const startedAt = performance.now()
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  const outside = await connect(t, app, '/rooms')
  t.match(await alice.client.closed, { code: 4001 })
  t.match(await bob.client.closed, { code: 4001 })
  t.ok(performance.now() - startedAt >= timeoutMs, 'not before its time')
  t.same(await tryJoin(outside, alice.roomId), error('Room not found'), 'who was elsewhere stays connected')
})

t.test('the id of an expired room is free again', async (t) => {
  const app = await build(t, { ROOM_TIMEOUT_MS: String(timeoutMs), ROOM_ID_DIGITS: '1', ROOM_EMPTY_TTL_MS: '60000' })
  const rooms = []
  for (let at = 0; at < 9; at++) rooms.push(await creator(t, app))
  const late = await connect(t, app, '/rooms')
  await Promise.all(rooms.map(async ({ client }) => await client.closed))
  t.match(await create(late), { roomId: /^[1-9]$/ })
})

t.test('signals keep a room alive, also those that nobody hears', async (t) => {
  const app = await build(t, { ROOM_TIMEOUT_MS: String(timeoutMs) })
  const idle = await creator(t, app)
  const alice = await creator(t, app)
  const signals = setInterval(() => alice.client.send({ type: 'signal', payload: 1 }), timeoutMs / 10)
  t.teardown(() => clearInterval(signals))
  await idle.client.closed
  const next = await creator(t, app)
  await next.client.closed
  t.equal(alice.client.socket.readyState, alice.client.socket.OPEN, 'twice its time has passed')
  clearInterval(signals)
  t.match(await alice.client.closed, { code: 4001 })
})

t.test('joins keep a room alive, what fails does not', async (t) => {
  const app = await build(t, { ROOM_TIMEOUT_MS: String(timeoutMs) })
  const joined = await creator(t, app)
  const wasted = await creator(t, app)
  const joins = setInterval(() => {
    joined.client.send({ type: 'join', roomId: joined.roomId })
    wasted.client.send({ type: 'signal' })
    wasted.client.send('{')
  }, timeoutMs / 10)
  t.teardown(() => clearInterval(joins))
  t.match(await wasted.client.closed, { code: 4001 })
  await (await creator(t, app)).client.closed
  t.equal(joined.client.socket.readyState, joined.client.socket.OPEN)
})

t.test('nobody is left in an expired room', async (t) => {
  const app = await build(t, { ROOM_TIMEOUT_MS: String(timeoutMs), ALLOW_DISCOVERY: 'true' })
  const alice = await creator(t, app)
  await alice.client.closed
  t.same(await (await fetch(`${urlOf(app)}/rooms/peers`)).json(), [])
})

t.test('the last member can come back to an empty room', async (t) => {
  const app = await build(t, { ROOM_EMPTY_TTL_MS: '60000' })
  const { client, roomId } = await creator(t, app)
  await client.close()
  const again = await joiner(t, app, roomId)
  await create(again.client)
  t.match(await join(again.client, roomId), { roomId }, 'also after it went to another room')
})

t.test('an empty room goes after ROOM_EMPTY_TTL_MS', async (t) => {
  const emptyMs = 500
  const app = await build(t, { ROOM_EMPTY_TTL_MS: String(emptyMs) })
  const { client, roomId } = await creator(t, app)
  await client.close()
  const gone = performance.now() + emptyMs + 200
  await until(() => performance.now() > gone)
  t.same(await tryJoin(await connect(t, app, '/rooms'), roomId), error('Room not found'))
})

t.test('who comes back in time keeps the room', async (t) => {
  const app = await build(t, { ROOM_EMPTY_TTL_MS: '500' })
  const { client, roomId } = await creator(t, app)
  await client.close()
  const again = await joiner(t, app, roomId)
  const other = await creator(t, app)
  await other.client.close()
  await until(() => app.state.size().rooms === 1)
  t.match(await tryJoin(await connect(t, app, '/rooms'), roomId), { type: 'room_joined' }, 'a room emptied later is gone already')
  t.equal(again.client.socket.readyState, again.client.socket.OPEN)
})
