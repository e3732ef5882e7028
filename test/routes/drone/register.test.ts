import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { error, join, news, othersOf, register, timeless } from './clients.js'

const build = buildOnly('drone')

t.test('a register is confirmed with the id and the time', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/drone')
  alice.send({ type: 'register', id: 'drone-alpha-001' })
  t.strictSame(timeless(await alice.next()), { type: 'registered', id: 'drone-alpha-001' })
})

t.test('the others hear nothing of it', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  t.same(await news(bob, alice, 'a'), [])
})

t.test('a client that registers under another id leaves the first', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await register(bob, 'c')
  t.match(await alice.next(), { type: 'client_list_update', clients: ['a', 'c'], count: 2 })
  alice.send({ type: 'offer', target: 'b', sdp: 's' })
  t.same(await alice.next(), error('Target client not found', 'b'))
  bob.send({ type: 'offer', target: 'a', sdp: 's' })
  t.match(await alice.next(), { type: 'offer', from: 'c' })
})

t.test('a client that registers again as it was is confirmed again, and is there once', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await register(bob, 'b')
  t.same(await othersOf(alice), ['b'])
  t.same(await news(bob, alice, 'a'), [], 'it never left')
})

t.test('ids that are names of object properties are ids like others', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  for (const id of ['__proto__', 'constructor', 'toString', 'ünï😀', 'x'.repeat(256)]) {
    const peer = await join(t, app, id)
    alice.send({ type: 'offer', target: id, sdp: 's', sessionId: id })
    t.match(await peer.next(), { type: 'offer', from: 'a', sessionId: id })
  }
})
