import t from 'tap'
import { buildOnly, type Frame, nodesOf } from '../../helper.js'
import { join, received } from './join.js'

const build = buildOnly('peerjs')

const error = (msg: string): Frame => ({ type: 'ERROR', payload: { msg } })

const malformed: Record<string, string | Buffer> = {
  'not JSON': 'hello',
  'an empty frame': '',
  'JSON cut short': '{"type":"OFFER"',
  null: 'null',
  'an array': '[]',
  'an array of frames': '[{"type":"HEARTBEAT"}]',
  'a number': '1',
  'a string': '"OFFER"',
  'a type null': '{"type":null}',
  'a type that is a number': '{"type":1}',
  'a type that is an object': '{"type":{}}',
  'bytes that are not UTF-8': Buffer.from([0xff, 0xfe, 0x7b, 0x7d])
}

for (const [what, frame] of Object.entries(malformed)) {
  t.test(`${what} is an Invalid message, and the socket stays open`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'alice')
    alice.send(frame)
    t.same(await received(alice, 'alice'), [error('Invalid message')])
  })
}

for (const frame of ['{}', '{"ping":"once"}', '{"dst":"alice","payload":1}', '{"__proto__":{"type":"OFFER"},"dst":"alice"}']) {
  t.test(`${frame}, which has no type, is ignored`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'alice')
    alice.send(frame)
    t.same(await received(alice, 'alice'), [])
  })
}

t.test('what is ignored counts towards the rate like any frame', async (t) => {
  const app = await build(t, { MESSAGE_RATE: '5', MESSAGE_BURST: '1' })
  const alice = await join(t, app, 'alice')
  for (let n = 0; n < 5; n++) alice.send({ ping: 'once' })
  t.same(await received(alice, 'alice'), [])
  t.ok(nodesOf(app).some((node) => node.signalbox.connections.counters.held > 0))
})

for (const type of ['', 'NONSENSE', 'offer', 'OPEN', 'ERROR', 'ID-TAKEN', '__proto__', 'constructor', 'toString', '<b>\n\u0000']) {
  t.test(`the type ${JSON.stringify(type)} is unknown, and the socket stays open`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'alice')
    alice.send({ type, dst: 'alice' })
    t.same(await received(alice, 'alice'), [error(`Unknown message type: ${type}`)])
  })
}

t.test('of an unknown type at most 128 characters are quoted', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  alice.send({ type: 'x'.repeat(128) })
  alice.send({ type: `${'y'.repeat(128)}z` })
  t.same(
    await received(alice, 'alice'),
    [error(`Unknown message type: ${'x'.repeat(128)}`), error(`Unknown message type: ${'y'.repeat(128)}`)]
  )
})

for (const type of ['OFFER', 'ANSWER', 'CANDIDATE', 'EXPIRE']) {
  t.test(`${type} without a dst that can be an id is Missing dst, and the socket stays open`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'alice')
    const bad = [{}, { dst: '' }, { dst: null }, { dst: 5 }, { dst: ['alice'] }, { dst: {} }, { dst: 'x'.repeat(257) }, { dst: 'a\nb' }]
    for (const fields of bad) alice.send({ type, payload: 1, ...fields })
    t.same(await received(alice, 'alice'), bad.map(() => error('Missing dst')))
  })
}

t.test('LEAVE with a dst that can be nobody is Missing dst, and ends no registration', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  for (const dst of [5, ['alice'], {}, false, 'x'.repeat(257)]) {
    alice.send({ type: 'LEAVE', dst })
    t.same(await received(alice, 'alice'), [error('Missing dst')])
  }
})

t.test('nothing the official client sends is answered with ERROR', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  const bob = await join(t, app, 'bob')
  const connection = { type: 'data', connectionId: 'dc_mgqsb2hzkbe' }
  const channel = { label: 'dc_mgqsb2hzkbe', reliable: false, serialization: 'binary' }
  const candidate = { candidate: 'candidate:1', sdpMLineIndex: 0, sdpMid: '0', usernameFragment: 'u' }
  const frames = [
    { type: 'HEARTBEAT' },
    { type: 'OFFER', payload: { ...connection, sdp: { type: 'offer', sdp: 'v=0' }, ...channel }, dst: 'bob' },
    { type: 'CANDIDATE', payload: { ...connection, candidate }, dst: 'bob' },
    { type: 'ANSWER', payload: { ...connection, type: 'media', sdp: { type: 'answer', sdp: 'v=0' } }, dst: 'bob' }
  ]
  for (const frame of frames) alice.send(frame)
  t.same(await received(alice, 'alice'), [])
  t.same(await received(bob, 'bob'), frames.slice(1).map((frame) => ({ ...frame, src: 'alice' })))
})
