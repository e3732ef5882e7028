import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { connect, buildOnly, type Frame } from '../helper.js'
import { creator, error, joiner, news } from '../routes/rooms/members.js'

const build = buildOnly('rooms')

const unused = { candidate: '', sdpMid: '', sdpMLineIndex: -1 }
const candidate = { candidate: 'candidate:1 1 udp 2122 192.0.2.1 50000 typ host', sdpMid: '0', sdpMLineIndex: 0 }

/** The frames of the public clients, each with what it puts into them besides the payload. */
const generations: Record<string, { more: (roomId: string) => Frame, offer: unknown, answer: unknown, candidate: unknown }> = {
  'the first': {
    more: (roomId) => ({ roomId }),
    offer: { sdp: 'v=0\r\n', sdpType: 'offer', ...unused },
    answer: { sdp: 'v=0\r\n', sdpType: 'answer', ...unused },
    candidate: { sdp: '', sdpType: '', ...candidate }
  },
  'the second': {
    more: () => ({ targetId: '2b0c5f5c-7e0c-4c63-8a54-3f8b9d5a7e11' }),
    offer: JSON.stringify({ type: 'offer', sdp: { type: 'offer', sdp: 'v=0\r\n' } }),
    answer: JSON.stringify({ type: 'answer', sdp: { type: 'answer', sdp: 'v=0\r\n' } }),
    candidate: JSON.stringify({ type: 'candidate', candidate })
  },
  'the third': {
    more: () => ({}),
    offer: JSON.stringify({ sdp: 'v=0\r\n', sdpType: 'offer', ...unused, command: '' }),
    answer: JSON.stringify({ sdp: 'v=0\r\n', sdpType: 'answer', ...unused, command: '' }),
    candidate: JSON.stringify({ sdp: '', sdpType: '', ...candidate, command: '' })
  }
}

for (const [which, { more, offer, answer, candidate }] of Object.entries(generations)) {
  t.test(`${which} generation: what the creator sends alone is heard by the first who joins, and they talk on`, async (t) => {
    const app = await build(t)
    const alice = await creator(t, app)
    const fields = more(alice.roomId)
    for (const payload of [offer, candidate]) alice.client.send({ type: 'signal', ...fields, payload })
    t.same(await news(alice.client), [], 'nothing is refused')
    const bob = await joiner(t, app, alice.roomId)
    for (const payload of [offer, candidate]) t.same(await bob.client.next(), { type: 'signal', senderId: alice.myId, payload })
    for (const payload of [answer, candidate]) {
      bob.client.send({ type: 'signal', payload, ...fields })
      t.same(await alice.client.next(), { type: 'signal', senderId: bob.myId, payload })
    }
    const carol = await joiner(t, app, alice.roomId)
    t.same(await news(carol.client), [], 'and the second who joins hears nothing old')
  })
}

t.test('the third generation: a joiner says ready, and the creator offers then', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  const ready = JSON.stringify({ sdp: '', sdpType: '', ...unused, command: 'ready' })
  bob.client.send({ type: 'signal', payload: ready })
  t.same(await alice.client.next(), { type: 'signal', senderId: bob.myId, payload: ready })
})

/** The text of the next frame. */
async function nextText (t: Test, app: FastifyInstance, text: (roomId: string) => string): Promise<{ text: string, senderId: string }> {
  const [alice, path] = [await creator(t, app), '/rooms']
  const bob = await connect(t, app, path)
  bob.send({ type: 'join', roomId: alice.roomId })
  const { myId } = await bob.next()
  const arrived = once(alice.client.socket, 'message')
  bob.send(text(alice.roomId))
  const [data] = await arrived
  return { text: String(data), senderId: String(myId) }
}

t.test('frames with roomId or targetId are passed on by the bytes of their payload, and the fields are not', async (t) => {
  const app = await build(t)
  // Composed anew, it would be 1.
  const payload = '{"a": 1.0}'
  for (const text of [
    (roomId: string) => `{"type":"signal","roomId":"${roomId}","payload":${payload}}`,
    (roomId: string) => `{"type":"signal","payload":${payload},"roomId":${roomId}}`,
    () => `{"type":"signal","targetId":"","senderId":"mallory","payload":${payload},"myId":null}`
  ]) {
    const got = await nextText(t, app, text)
    t.equal(got.text, `{"type":"signal","payload":${payload},"senderId":"${got.senderId}"}`)
  }
})

t.test('what was sent alone goes with its sender, also when it goes to another room', async (t) => {
  const app = await build(t)
  const alice = await creator(t, app)
  alice.client.send({ type: 'signal', payload: 'stale' })
  t.same(await news(alice.client), [])
  alice.client.send({ type: 'create' })
  t.match(await alice.client.next(), { type: 'room_created' })
  const bob = await joiner(t, app, alice.roomId)
  t.same(await news(bob.client), [])
  bob.client.send({ type: 'signal', payload: 'stale, too' })
  t.same(await news(bob.client), [])
  await bob.client.close()
  const carol = await joiner(t, app, alice.roomId)
  t.same(await news(carol.client), [])
})

t.test('a member that comes back within 40 s finds its room, by default', async (t) => {
  const { signalbox } = await build(t)
  t.ok(signalbox.config.ROOM_EMPTY_TTL_MS >= 40_000)
})

t.test('past the bounds of the mailbox a signal sent alone is refused, and what was kept stays', async (t) => {
  const app = await build(t, { MAILBOX_MAX_MESSAGES: '64' })
  const alice = await creator(t, app)
  for (let payload = 0; payload < 18; payload++) alice.client.send({ type: 'signal', payload })
  t.same(await news(alice.client), [error('Room is empty'), error('Room is empty')])
  const bob = await joiner(t, app, alice.roomId)
  t.same((await news(bob.client)).map(({ payload }) => payload), Array.from({ length: 16 }, (_, at) => at))
  alice.client.send({ type: 'signal', payload: 'on' })
  t.match(await bob.client.next(), { payload: 'on' })
})
