import t from 'tap'
import { buildOnly, connect, type Frame } from '../../helper.js'
import { answers, error, join, register } from './clients.js'

const build = buildOnly('drone')

const long = 'x'.repeat(257)
const malformed = error('Invalid message format')

const refused: Array<[frame: unknown, error: Frame]> = [
  ...['', '{"type":', 'null', '[]', '1', '"ping"', Buffer.from([0x7b, 0xff, 0x7d])].map((frame): [unknown, Frame] => [frame, malformed]),
  ...[{}, { type: 7 }, { type: null }, { type: ['ping'] }].map((frame): [unknown, Frame] => [frame, malformed]),
  [{ type: 'nonsense' }, error('Unknown message type: nonsense')],
  [{ type: '__proto__' }, error('Unknown message type: __proto__')],
  [{ type: 'OFFER' }, error('Unknown message type: OFFER')],
  [{ type: 'registered', id: 'a' }, error('Unknown message type: registered')],
  [{ type: long }, error(`Unknown message type: ${'x'.repeat(128)}`)],
  ...[{}, { id: 7.5 }, { id: 2 ** 53 }, { id: null }, { id: '' }, { id: long }, { id: 'a\u0000' }]
    .map((more): [unknown, Frame] => [{ type: 'register', ...more }, malformed]),
  ...['offer', 'answer'].flatMap((type) => [{}, { sdp: null }, { sdp: 7 }, { sdp: ['s'] }, { sdp: true }]
    .map((more): [unknown, Frame] => [{ type, target: 'a', ...more }, malformed])),
  ...[{ candidate: 7 }, { candidate: false }, { candidate: [] }]
    .map((more): [unknown, Frame] => [{ type: 'ice', target: 'a', ...more }, malformed]),
  ...[7.5, -(2 ** 53), null, {}, long].map((target): [unknown, Frame] => [{ type: 'offer', target, sdp: 's' }, malformed]),
  ...[7.5, 1e300, {}, long].map((sessionId): [unknown, Frame] => [{ type: 'ice', target: 'a', candidate: null, sessionId }, malformed])
]

for (const isRegistered of [false, true]) {
  t.test(`a bad frame gets one error and the socket stays open, ${isRegistered ? 'registered' : 'before registering'}`, async (t) => {
    const app = await build(t)
    const alice = await connect(t, app, '/drone')
    if (isRegistered) await register(alice, 'a')
    for (const [frame, error] of refused) {
      alice.send(frame)
      t.strictSame(await alice.next(), error, Buffer.isBuffer(frame) ? 'bytes' : JSON.stringify(frame).slice(0, 80))
    }
    t.same(await answers(alice), [])
  })
}

const signals = [{ type: 'offer', sdp: 's' }, { type: 'answer', sdp: 's' }, { type: 'ice', candidate: null }]

t.test('the shape is checked before the registration, and that before the target', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/drone')
  for (const signal of signals) {
    alice.send({ ...signal, sessionId: {} })
    t.strictSame(await alice.next(), malformed)
    for (const more of [{}, { target: '' }, { target: 'nobody' }, { target: 'nobody', sessionId: 's' }]) {
      alice.send({ ...signal, ...more })
      t.strictSame(await alice.next(), error('Not registered'))
    }
  }
})

t.test('the target must be named before the session counts, and the session must be theirs before the target is looked for', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'theirs' })
  await bob.nextOf('offer')
  for (const signal of signals) {
    carol.send({ ...signal, target: {}, sessionId: 'theirs' })
    t.strictSame(await carol.next(), malformed)
    for (const more of [{}, { target: '' }]) {
      carol.send({ ...signal, ...more, sessionId: 'theirs' })
      t.strictSame(await carol.next(), error('No target specified'))
    }
    // An offer may begin one of that name with somebody who has none.
    carol.send({ ...signal, target: signal.type === 'offer' ? 'b' : 'nobody', sessionId: 'theirs' })
    t.strictSame(await carol.next(), error('Unknown session'))
    carol.send({ ...signal, target: 'nobody', sessionId: 'new' })
    t.strictSame(await carol.next(), error('Target client not found', 'nobody'))
  }
})

t.test('the details of a target that is not found are the first 128 characters of it', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  for (const target of ['nobody', '__proto__', 'ünï😀', 'x'.repeat(256)]) {
    alice.send({ type: 'offer', target, sdp: 's' })
    t.strictSame(await alice.next(), error('Target client not found', target.slice(0, 128)))
  }
})

t.test('a binary frame that holds UTF-8 JSON is like a text frame', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  alice.send(Buffer.from(JSON.stringify({ type: 'ice', target: 'a', candidate: 'ü' })))
  t.match(await alice.next(), { type: 'ice', from: 'a', candidate: 'ü' })
})
