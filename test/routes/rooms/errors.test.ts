import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { create, creator, error, joiner } from './members.js'

const build = buildOnly('rooms')

const bad: ReadonlyArray<readonly [frame: string | Buffer, sentence: string]> = [
  ['', 'Invalid JSON'],
  ['hello', 'Invalid JSON'],
  ['{"type":"create"', 'Invalid JSON'],
  ["{'type':'create'}", 'Invalid JSON'],
  ['null', 'Invalid JSON'],
  ['[]', 'Invalid JSON'],
  ['1', 'Invalid JSON'],
  ['"create"', 'Invalid JSON'],
  [Buffer.from([0xc3, 0x28]), 'Invalid JSON'],
  ['{"type":"nonsense"}', 'Unknown message type: nonsense'],
  ['{"type":"CREATE"}', 'Unknown message type: CREATE'],
  ['{"type":"room_created"}', 'Unknown message type: room_created'],
  ['{"type":"__proto__"}', 'Unknown message type: __proto__'],
  ['{"type":"toString"}', 'Unknown message type: toString'],
  ['{"type":7}', 'Unknown message type: 7'],
  ['{"type":null}', 'Unknown message type: null'],
  ['{"type":["create"]}', 'Unknown message type: [object]'],
  ['{}', 'Unknown message type: undefined'],
  [`{"type":"${'x'.repeat(1000)}"}`, `Unknown message type: ${'x'.repeat(128)}`],
  ['{"type":"signal"}', 'Missing payload']
]

t.test('a bad frame is answered once, and the socket stays open', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/rooms')
  for (const [frame, sentence] of bad) {
    client.send(frame)
    t.same(await client.next(), error(sentence), `${String(frame).slice(0, 40)} outside a room`)
  }
  const { roomId } = await create(client)
  for (const [frame, sentence] of bad) {
    client.send(frame)
    t.same(await client.next(), error(sentence), `${String(frame).slice(0, 40)} inside a room`)
  }
  await joiner(t, app, roomId)
})

t.test('extra fields are tolerated', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/rooms')
  client.send({ type: 'create', roomId: '1234', name: 'x' })
  const { type, roomId } = await client.next()
  t.equal(type, 'room_created')
  client.send({ type: 'join', roomId, name: 'x' })
  t.match(await client.next(), { type: 'room_joined', roomId })
})

t.test('frames on either side of a bad one are handled, in order', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/rooms')
  client.send({ type: 'create' })
  client.send('{')
  client.send({ type: 'join', roomId: 'x' })
  client.send({ type: 'create' })
  t.match(await client.next(), { type: 'room_created' })
  t.same(await client.next(), error('Invalid JSON'))
  t.same(await client.next(), error('Room not found'))
  t.match(await client.next(), { type: 'room_created' })
})

t.test('binary frames that hold JSON are treated like text frames', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await connect(t, app, '/rooms')
  bob.send(Buffer.from(JSON.stringify({ type: 'join', roomId: alice.roomId })))
  t.match(await bob.next(), { type: 'room_joined' })
  let isBinary: boolean | undefined
  alice.client.socket.once('message', (_data, binary) => { isBinary = binary })
  bob.send(Buffer.from('{"type":"signal","payload":"ä"}'))
  t.match(await alice.client.next(), { type: 'signal', payload: 'ä' })
  t.equal(isBinary, false)
})
