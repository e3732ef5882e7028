import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { create, creator, error, hears, heard, join, joiner, news, tryJoin } from './members.js'

const build = buildOnly('rooms')

t.test('join answers with the room and the client’s own id, and tells the others nothing', async (t) => {
  const app = await build(t)
  const { client: alice, roomId, myId: aliceId } = await creator(t, app)
  const bob = await connect(t, app, '/rooms')
  bob.send({ type: 'join', roomId })
  const frame = await bob.next()
  t.match(frame, { type: 'room_joined', roomId, myId: String })
  t.same(Object.keys(frame).sort(), ['myId', 'roomId', 'type'])
  t.not(frame.myId, aliceId)
  t.same(await news(alice), [])
})

t.test('the room may be named by an integer, and is told as a string', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const client = await connect(t, app, '/rooms')
  t.match(await tryJoin(client, Number(alice.roomId)), { type: 'room_joined', roomId: alice.roomId })
})

const others: Record<string, (roomId: string) => unknown> = {
  'another number': (roomId) => String(Number(roomId) - 1),
  'with a leading zero': (roomId) => `0${roomId}`,
  'with spaces': (roomId) => ` ${roomId} `,
  'with a fraction': (roomId) => Number(roomId) + 0.5,
  'a list of it': (roomId) => [roomId],
  'an object': (roomId) => ({ roomId }),
  null: () => null,
  true: () => true,
  'absent from the frame': () => undefined,
  'an empty string': () => '',
  __proto__: () => '__proto__',
  'a very long string': () => 'x'.repeat(10_000),
  'a path': (roomId) => `../rooms/${roomId}`
}
t.test('a room that is not there is not found, whatever names it', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  let from = 2
  for (const [kind, name] of Object.entries(others)) {
    const client = await connect(t, app, '/rooms', { localAddress: `127.0.0.${from++}` })
    t.same(await tryJoin(client, name(roomId)), error('Room not found'), kind)
    t.same(await news(client), [], 'one error, and the socket stays open')
  }
})

t.test('a room takes no more than ROOM_MAX_CLIENTS', async (t) => {
  const app = await build(t, { ROOM_MAX_CLIENTS: '3' })
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  await joiner(t, app, alice.roomId)
  const late = await connect(t, app, '/rooms')
  t.same(await tryJoin(late, alice.roomId), error('Room is full'))
  t.match(await tryJoin(bob.client, bob.roomId), { type: 'room_joined', roomId: bob.roomId }, 'who is inside may join again')
  await bob.client.close()
  t.match(await tryJoin(late, alice.roomId), { type: 'room_joined' }, 'a place left is a place free')
})

t.test('a room takes 50 by default', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  for (let members = 1; members < 50; members++) await joiner(t, app, roomId)
  const late = await connect(t, app, '/rooms')
  t.same(await tryJoin(late, roomId), error('Room is full'))
})

t.test('myId stays the same for the life of the socket', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  const ids = [
    (await join(bob.client, alice.roomId)).myId,
    (await create(bob.client)).myId,
    (await create(bob.client)).myId,
    (await join(bob.client, alice.roomId)).myId
  ]
  t.same(ids, Array(4).fill(bob.myId))
  t.not((await joiner(t, app, alice.roomId)).myId, bob.myId, 'another socket has another')
})

t.test('joining another room leaves the first', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await creator(t, app)
  const carol = await joiner(t, app, alice.roomId)
  await join(carol.client, bob.roomId)
  alice.client.send({ type: 'signal', payload: 'in the first' })
  t.same(await news(alice.client), [])
  t.same(await news(carol.client), [], 'it does not hear the first room')
  t.same(await hears(carol, bob), heard(bob))
  t.same(await hears(bob, carol), heard(carol))
  t.same(await news(alice.client), [], 'nor does the first room hear it')
})

t.test('creating a room leaves the first', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  const carol = await joiner(t, app, (await create(bob.client)).roomId)
  t.same(await hears(carol, bob), heard(bob))
  t.same(await news(alice.client), [])
  alice.client.send({ type: 'signal', payload: 'in the first' })
  t.same(await news(alice.client), [])
  t.same(await news(bob.client), [])
})

t.test('a join that fails does not leave the first room', async (t) => {
  const app = await build(t, { ROOM_MAX_CLIENTS: '2' })
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  const full = await creator(t, app)
  await joiner(t, app, full.roomId)
  t.same(await tryJoin(bob.client, 'nowhere'), error('Room not found'))
  t.same(await hears(alice, bob), heard(bob))
  t.same(await tryJoin(bob.client, full.roomId), error('Room is full'))
  t.same(await hears(bob, alice), heard(alice))
})

t.test('joining the room one is in already changes nothing', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  t.same(await join(bob.client, alice.roomId), bob)
  t.same(await hears(bob, alice), heard(alice))
  t.same(await news(bob.client), [], 'and it hears everything once')
})
