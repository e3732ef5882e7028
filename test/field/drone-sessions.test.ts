import t from 'tap'
import { buildOnly, connect } from '../helper.js'
import { answers, error, join, othersOf, timeless } from '../routes/drone/clients.js'

const build = buildOnly('drone')

t.test('a drone streams to two operators under one sessionId', async (t) => {
  const app = await build(t)
  const drone = await join(t, app, 'drone-alpha-001')
  for (const id of ['operator-1', 'operator-2']) {
    const operator = await join(t, app, id)
    drone.send({ type: 'offer', target: id, sdp: 'v=0', sessionId: 'stream' })
    t.strictSame(timeless(await operator.next()), { type: 'offer', from: 'drone-alpha-001', sdp: 'v=0', sessionId: 'stream' })
    for (const signal of [{ type: 'answer', sdp: 'v=0' }, { type: 'ice', candidate: { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0 } }]) {
      operator.send({ ...signal, target: 'drone-alpha-001', sessionId: 'stream' })
      t.strictSame(timeless(await drone.next()), { ...signal, from: id, sessionId: 'stream' })
    }
  }
})

t.test('two pairs use one name, and nobody gets into the session of two others', async (t) => {
  const app = await build(t)
  for (const pair of ['one', 'two']) {
    const [caller, called] = [await join(t, app, `${pair} caller`), await join(t, app, `${pair} called`)]
    caller.send({ type: 'offer', target: `${pair} called`, sdp: 's', sessionId: 'default' })
    t.match(await called.next(), { type: 'offer', sessionId: 'default' })
    called.send({ type: 'answer', target: `${pair} caller`, sdp: 's', sessionId: 'default' })
    t.match(await caller.next(), { type: 'answer', sessionId: 'default' })
  }
  const stranger = await join(t, app, 'stranger')
  for (const signal of [{ type: 'offer', sdp: 's' }, { type: 'answer', sdp: 's' }, { type: 'ice' }]) {
    stranger.send({ ...signal, target: 'one called', sessionId: 'default' })
    t.strictSame(await answers(stranger), [error('Unknown session')])
  }
})

t.test('an integer id, target or sessionId counts as its decimal text', async (t) => {
  const app = await build(t)
  for (const [id, text] of [[7, '7'], [0, '0'], [-1, '-1'], [Number.MAX_SAFE_INTEGER, '9007199254740991']] as const) {
    const client = await connect(t, app, '/drone')
    client.send({ type: 'register', id })
    t.strictSame(timeless(await client.next()), { type: 'registered', id: text })
    const other = await join(t, app, `other than ${text}`)
    t.ok((await othersOf(other) as string[]).includes(text))
    for (const target of [id, text]) {
      other.send({ type: 'offer', target, sdp: 's', sessionId: id })
      t.strictSame(timeless(await client.next()), { type: 'offer', from: `other than ${text}`, sdp: 's', sessionId: text })
    }
    client.send({ type: 'ice', target: `other than ${text}`, candidate: null, sessionId: text })
    t.strictSame(timeless(await other.next()), { type: 'ice', from: text, candidate: null, sessionId: text })
  }
})

t.test('an integer and its text are one id, and no two ids become one', async (t) => {
  const app = await build(t)
  const first = await join(t, app, '7')
  const second = await connect(t, app, '/drone')
  second.send({ type: 'register', id: 7 })
  t.match(await second.next(), { type: 'registered', id: '7' })
  t.equal((await first.closed).code, 4000)
  // Both are 9007199254740992 when parsed.
  for (const id of ['9007199254740992', '9007199254740993']) {
    second.send(`{"type":"register","id":${id}}`)
    t.strictSame(await second.next(), error('Invalid message format'))
  }
})

t.test('an ice without a candidate is the end of candidates', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await join(t, app, 'a'), await join(t, app, 'b')]
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 's' })
  await bob.next()
  for (const more of [{}, { sessionId: 's' }, { candidate: null }]) {
    alice.send({ type: 'ice', target: 'b', ...more })
    t.strictSame(timeless(await bob.next()), { type: 'ice', from: 'a', candidate: null, sessionId: 's' })
  }
})
