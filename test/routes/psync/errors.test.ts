import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { answers, error, join, register } from './members.js'

const build = buildOnly('psync')

const long = 'x'.repeat(257)

const refused: Array<[frame: unknown, message: string]> = [
  ['', 'invalid JSON'],
  ['{"type":', 'invalid JSON'],
  ['null', 'invalid JSON'],
  ['[]', 'invalid JSON'],
  ['1', 'invalid JSON'],
  [Buffer.from([0x7b, 0xff, 0x7d]), 'invalid JSON'],
  [{}, 'unknown message type'],
  [{ type: 7 }, 'unknown message type'],
  [{ type: 'peer_list', payload: { peers: [] } }, 'unknown message type'],
  [{ type: '__proto__' }, 'unknown message type'],
  [{ type: 'OFFER', target_id: 'a' }, 'unknown message type'],
  [{ type: 'register' }, 'missing peer_id or group_id'],
  [{ type: 'register', source_id: 'a' }, 'missing peer_id or group_id'],
  [{ type: 'register', payload: null }, 'missing peer_id or group_id'],
  [{ type: 'register', payload: 'a' }, 'missing peer_id or group_id'],
  [{ type: 'register', payload: { peer_id: 'a' } }, 'missing peer_id or group_id'],
  [{ type: 'register', payload: { group_id: 'g' } }, 'missing peer_id or group_id'],
  [{ type: 'register', payload: { peer_id: '', group_id: 'g' } }, 'missing peer_id or group_id'],
  [{ type: 'register', payload: { peer_id: 'a', group_id: 7 } }, 'missing peer_id or group_id'],
  [{ type: 'register', payload: { peer_id: long, group_id: 'g' } }, 'missing peer_id or group_id'],
  [{ type: 'register', payload: { peer_id: 'a', group_id: 'g\n' } }, 'missing peer_id or group_id'],
  [{ type: 'offer', source_id: 'a', payload: {} }, 'missing target_id'],
  [{ type: 'answer', source_id: 'a', target_id: null, payload: {} }, 'missing target_id'],
  [{ type: 'candidate', source_id: 'a', target_id: '', payload: {} }, 'missing target_id'],
  [{ type: 'offer', source_id: 'a', target_id: 7, payload: {} }, 'missing target_id'],
  [{ type: 'offer', source_id: 'a', target_id: long, payload: {} }, 'missing target_id']
]

for (const isRegistered of [false, true]) {
  t.test(`a bad frame gets one error and the socket stays open, ${isRegistered ? 'registered' : 'before registering'}`, async (t) => {
    const app = await build(t)
    const alice = await connect(t, app, '/psync/ws')
    if (isRegistered) await register(alice, 'a')
    for (const [frame, message] of refused) {
      alice.send(frame)
      t.strictSame(await alice.next(), error(message), Buffer.isBuffer(frame) ? 'bytes' : JSON.stringify(frame).slice(0, 80))
    }
    t.same(await register(alice, 'a'), [])
  })
}

t.test('a signal before registering is refused', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/psync/ws')
  for (const type of ['offer', 'answer', 'candidate']) {
    alice.send({ type, source_id: 'a', target_id: 'b', payload: {} })
    t.strictSame(await alice.next(), error('not registered'))
  }
})

t.test('a signal for nobody is answered with the target it names, 128 characters of it at most', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  for (const target of ['nobody', '__proto__', 'ünï😀']) {
    alice.send({ type: 'offer', target_id: target, payload: {} })
    t.strictSame(await alice.next(), error('peer not found', { target_id: target }))
  }
  alice.send({ type: 'offer', target_id: 'x'.repeat(256), payload: {} })
  t.strictSame(await alice.next(), error('peer not found', { target_id: 'x'.repeat(128) }))
})

t.test('a binary frame that holds UTF-8 JSON is like a text frame', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  alice.send(Buffer.from(JSON.stringify({ type: 'offer', target_id: 'a', payload: 'ü' })))
  t.same(await alice.next(), { type: 'offer', source_id: 'a', target_id: 'a', payload: 'ü' })
  t.same(await answers(alice), [])
})

t.test('an id may have 256 characters', async (t) => {
  const app = await build(t)
  const id = 'x'.repeat(256)
  const alice = await join(t, app, id, { group: id })
  alice.send({ type: 'offer', target_id: id, payload: 1 })
  t.match(await alice.next(), { source_id: id, target_id: id })
})
