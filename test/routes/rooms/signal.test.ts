import { once } from 'node:events'
import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { creator, error, joiner, news } from './members.js'

const build = buildOnly('rooms')

const payloads: Record<string, unknown> = {
  'an object': { type: 'offer', sdp: 'v=0\r\n' },
  'JSON in a string': '{"type":"dummy","text":"hello from B"}',
  'an empty string': '',
  zero: 0,
  null: null,
  false: false,
  'a list': [1, [null, { a: '🦊' }]],
  'an object with a senderId': { senderId: 'me', type: 'signal' }
}
for (const [kind, payload] of Object.entries(payloads)) {
  t.test(`a payload that is ${kind} reaches every other member as it is`, async (t) => {
    const app = await build(t)
    const alice = await creator(t, app)
    const bob = await joiner(t, app, alice.roomId)
    const carol = await joiner(t, app, alice.roomId)
    bob.client.send({ type: 'signal', payload })
    t.same(await alice.client.next(), { type: 'signal', senderId: bob.myId, payload })
    t.same(await carol.client.next(), { type: 'signal', senderId: bob.myId, payload })
    t.same(await news(bob.client), [], 'the sender gets nothing')
  })
}

t.test('a payload with a key __proto__ keeps it', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  const arrived = once(alice.client.socket, 'message')
  bob.client.send('{"type":"signal","payload":{"__proto__":{"x":1}}}')
  const [data] = await arrived
  t.equal(String(data), `{"type":"signal","payload":{"__proto__":{"x":1}},"senderId":"${bob.myId}"}`)
})

t.test('the server stamps the sender, and passes no other field on', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  bob.client.send({ type: 'signal', senderId: alice.myId, roomId: '1', payload: 1, more: 2 })
  t.same(await alice.client.next(), { type: 'signal', senderId: bob.myId, payload: 1 })
})

t.test('a signal stays in its room', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const other = await creator(t, app)
  const outside = await connect(t, app, '/rooms')
  const bob = await joiner(t, app, alice.roomId)
  bob.client.send({ type: 'signal', payload: 1 })
  t.match(await alice.client.next(), { type: 'signal' })
  t.same(await news(other.client), [])
  t.same(await news(outside), [])
})

t.test('a signal alone in a room is accepted and answered by nothing', async (t) => {
  const app = await build(t)
  const { client } = await creator(t, app)
  client.send({ type: 'signal', payload: 1 })
  t.same(await news(client), [])
})

t.test('a member that closes gets no more and the others are told nothing', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  const carol = await joiner(t, app, alice.roomId)
  await bob.client.close()
  alice.client.send({ type: 'signal', payload: 1 })
  t.same(await carol.client.next(), { type: 'signal', senderId: alice.myId, payload: 1 })
  t.same(await news(alice.client), [])
})

t.test('500 signals arrive in the order sent', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  const count = 500
  for (let payload = 0; payload < count; payload++) bob.client.send({ type: 'signal', payload })
  for (let payload = 0; payload < count; payload++) t.equal((await alice.client.next()).payload, payload)
})

t.test('a signal without a room is refused', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/rooms')
  client.send({ type: 'signal', payload: 1 })
  t.same(await client.next(), error('Not in a room'))
})

t.test('a signal without a payload is refused', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  bob.client.send({ type: 'signal' })
  t.same(await bob.client.next(), error('Missing payload'))
  t.same(await news(alice.client), [])
})
