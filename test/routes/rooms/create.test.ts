import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { creator, error, hears, heard, joiner, tryJoin } from './members.js'

const build = buildOnly('rooms')

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

t.test('create answers with a room of four digits and the client’s own uuid', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/rooms')
  client.send({ type: 'create' })
  const frame = await client.next()
  t.same(Object.keys(frame).sort(), ['myId', 'roomId', 'type'])
  t.equal(frame.type, 'room_created')
  t.match(frame.roomId, /^[1-9]\d{3}$/)
  t.match(frame.myId, uuid)
})

t.test('ids have ROOM_ID_DIGITS digits, no leading zero, and are unique among live rooms', async (t) => {
  const app = await build(t, { ROOM_ID_DIGITS: '2' })
  const rooms = await Promise.all(Array.from({ length: 60 }, async () => await creator(t, app)))
  for (const { roomId } of rooms) t.match(roomId, /^[1-9]\d$/)
  t.equal(new Set(rooms.map(({ roomId }) => roomId)).size, 60)
  t.equal(new Set(rooms.map(({ myId }) => myId)).size, 60)
  const inOrder = rooms.map(({ roomId }) => Number(roomId)).every((id, at, ids) => at === 0 || id > Number(ids[at - 1]))
  t.notOk(inOrder, 'nor do they count up')
})

t.test('ids may have nine digits', async (t) => {
  const app = await build(t, { ROOM_ID_DIGITS: '9' })
  t.match((await creator(t, app)).roomId, /^[1-9]\d{8}$/)
})

t.test('when every id is taken, create is refused until one is free again', async (t) => {
  const app = await build(t, { ROOM_ID_DIGITS: '1', ROOM_EMPTY_TTL_MS: '500' })
  const rooms = []
  for (let at = 0; at < 9; at++) rooms.push(await creator(t, app))
  t.same(rooms.map(({ roomId }) => roomId).sort(), ['1', '2', '3', '4', '5', '6', '7', '8', '9'])
  const late = await connect(t, app, '/rooms')
  late.send({ type: 'create' })
  t.same(await late.next(), error('No room available'))

  await rooms[4]?.client.close()
  while (true) {
    late.send({ type: 'create' })
    const { type, roomId, message } = await late.next()
    if (type === 'error') {
      t.equal(message, 'No room available')
      continue
    }
    t.equal(roomId, rooms[4]?.roomId)
    break
  }
})

t.test('a create that fails leaves its client in its room', async (t) => {
  const app = await build(t, { ROOM_ID_DIGITS: '1' })
  const rooms = []
  for (let at = 0; at < 9; at++) rooms.push(await creator(t, app))
  const [first] = rooms as [Awaited<ReturnType<typeof creator>>]
  const friend = await joiner(t, app, first.roomId)
  friend.client.send({ type: 'create' })
  t.same(await friend.client.next(), error('No room available'))
  t.same(await hears(friend, first), heard(first))
})

t.test('an id in use by nobody is no room', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  const client = await connect(t, app, '/rooms')
  t.same(await tryJoin(client, roomId === '1234' ? '4321' : '1234'), error('Room not found'))
})

t.test('who opens room after room is held back before the codes run out, and keeps its room', async (t) => {
  const app = await build(t, { ROOM_EMPTY_TTL_MS: '60000' })
  const greedy = await connect(t, app, '/rooms')
  for (let opened = 0; opened < 16; opened++) {
    greedy.send({ type: 'create' })
    t.match(await greedy.next(), { type: 'room_created' })
  }
  greedy.send({ type: 'create' })
  t.same(await greedy.next(), { type: 'error', message: 'Too many attempts' })
  greedy.send({ type: 'signal', payload: 1 })
  greedy.send({ type: 'signal' })
  t.same(await greedy.next(), { type: 'error', message: 'Missing payload' }, 'it is still in its room')
  const other = await connect(t, app, '/rooms')
  other.send({ type: 'create' })
  t.match(await other.next(), { type: 'room_created' }, 'others are not affected')
})
