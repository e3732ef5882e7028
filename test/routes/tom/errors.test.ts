import t from 'tap'
import { begin, buildOnly, connect } from '../../helper.js'
import { error, join, listOf, register } from './nodes.js'

const build = buildOnly('tom')

const bad: Record<string, ReadonlyArray<string | Buffer>> = {
  'invalid JSON': [
    '', 'hello', '{"type":"heartbeat"', "{'type':'heartbeat'}", 'null', '[]', '1', '"register"', 'true',
    Buffer.from([0xff, 0xfe]), Buffer.alloc(0)
  ],
  'unknown message type': [
    '{}', '{"type":null}', '{"type":1}', '{"type":""}', '{"type":"REGISTER"}', '{"type":"__proto__"}', '{"type":"constructor"}',
    '{"type":["register"]}', '{"Type":"register"}', '{"type":"participants","participants":[]}'
  ],
  'missing to or from': [
    '{"type":"signal"}', '{"type":"signal","from":"a"}', '{"type":"signal","to":"a"}', '{"type":"signal","from":"","to":"a"}',
    '{"type":"signal","from":"a","to":""}', '{"type":"signal","from":"a","to":1}', '{"type":"signal","from":null,"to":"a"}'
  ]
}
for (const [sentence, frames] of Object.entries(bad)) {
  t.test(`"${sentence}" is answered once to each such frame, and the socket stays open`, async (t) => {
    const app = await build(t)
    const alice = await connect(t, app, '/tom')
    for (const frame of frames) {
      alice.send(frame)
      t.same(await alice.next(), error(sentence), String(frame))
    }
    await register(alice, 'a')
    for (const frame of frames) {
      alice.send(frame)
      t.same(await alice.next(), error(sentence), `${String(frame)} after registering`)
    }
    alice.send({ type: 'signal', from: 'a', to: 'a', payload: 1 })
    t.match(await alice.next(), { type: 'signal' })
  })
}

t.test('frames on either side of a bad one are handled', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/tom')
  alice.send({ type: 'register', nodeId: 'a', username: 'alice' })
  alice.send('{')
  alice.send({ type: 'signal', from: 'a', to: 'a', payload: 1 })
  t.same(await alice.next(), error('invalid JSON'))
  t.match(await alice.next(), { type: 'signal' })
  await listOf(alice, 'a')
})

t.test('frames sent in the same tick as the handshake are handled', async (t) => {
  const app = await build(t)
  const watcher = await join(t, app, 'w')
  const alice = begin(t, app, '/tom')
  alice.socket.once('open', () => {
    alice.send({ type: 'register', nodeId: 'a', username: 'alice' })
    alice.send({ type: 'signal', from: 'a', to: 'w', payload: 1 })
  })
  t.match(await watcher.nextOf('signal'), { from: 'a' })
})

t.test('a binary frame that holds JSON is treated like a text frame', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/tom')
  alice.send(Buffer.from('{"type":"register","nodeId":"ä","username":"alice"}'))
  t.same(await alice.next(), { type: 'participants', participants: [{ nodeId: 'ä', username: 'alice' }] })
  const signal = '{"type":"signal","from":"ä","to":"ä","payload":"🦊"}'
  let isBinary: boolean | undefined
  alice.socket.once('message', (_data, binary) => { isBinary = binary })
  alice.send(Buffer.from(signal))
  t.same(await alice.next(), JSON.parse(signal))
  t.equal(isBinary, false, 'and is forwarded as text')
})

t.test('a frame larger than MAX_PAYLOAD closes its socket with 1009, and its node leaves', async (t) => {
  const app = await build(t, { MAX_PAYLOAD: '2048' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
  bob.send({ type: 'signal', from: 'b', to: 'a', payload: 'x'.repeat(2048) })
  t.match(await bob.closed, { code: 1009 })
  t.match(await alice.next(), { type: 'presence', action: 'leave', nodeId: 'b' })
})
