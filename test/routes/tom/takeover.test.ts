import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { error, idsIn, join, listOf, news, register } from './nodes.js'

const build = buildOnly('tom')

t.test('a newer connection takes an id over, and the older one is closed with 4000', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b', { username: 'old' })
  await listOf(alice, 'a', 'b')
  const young = await join(t, app, 'b', { username: 'young' })
  t.match(await old.closed, { code: 4000 })
  t.same(await news(alice, ['a', 'b'], young), [], 'signals reach the newer one, which heard nothing of itself')
  t.same(
    await news(young, ['b', 'a'], alice),
    [{ type: 'presence', action: 'join', nodeId: 'b', username: 'young', publicKey: '' }],
    'announced as a registration, never as a leave'
  )
})

t.test('the closing of the older connection neither removes the newer one nor announces a leave', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
  // It does not answer the close until it reads again.
  old.socket.pause()
  const young = await join(t, app, 'b')
  old.socket.resume()
  await old.closed
  const carol = await connect(t, app, '/tom')
  carol.send({ type: 'register', nodeId: 'c', username: 'c' })
  t.same(idsIn(await carol.next()), ['a', 'b', 'c'])
  t.same((await news(young, ['b', 'a'], alice)).map(({ action, nodeId }) => [action, nodeId]), [['join', 'b'], ['join', 'c']])
})

t.test('a newer connection that takes an id over while it has another one leaves that', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  const young = await join(t, app, 'c')
  await listOf(alice, 'a', 'b', 'c')
  young.send({ type: 'register', nodeId: 'b', username: 'b' })
  t.match(await old.closed, { code: 4000 })
  t.match(await alice.next(), { type: 'presence', action: 'leave', nodeId: 'c' })
  t.match(await alice.next(), { type: 'presence', action: 'join', nodeId: 'b' })
  await listOf(alice, 'a', 'b')
})

t.test('after a takeover the id leaves once, with the newer connection', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b', { username: 'old' })
  const young = await join(t, app, 'b', { username: 'young' })
  await old.closed
  await alice.nextThat(({ username }) => username === 'young')
  await young.close()
  t.same(await alice.nextOf('presence'), { type: 'presence', action: 'leave', nodeId: 'b', username: 'young', publicKey: '' })
  t.same(await listOf(alice, 'a'), { type: 'participants', participants: [{ nodeId: 'a', username: 'a' }] })
  t.same(await news(alice, ['a', 'a'], alice), [])
})

t.test('with ID_TAKEOVER=reject the newcomer gets an error and the first stays', async (t) => {
  const app = await build(t, { ID_TAKEOVER: 'reject' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
  const late = await connect(t, app, '/tom')
  late.send({ type: 'register', nodeId: 'b', username: 'late' })
  t.same(await late.next(), error('nodeId is taken'))
  t.same(await news(alice, ['a', 'b'], bob), [])
  t.same(await news(bob, ['b', 'a'], alice), [], 'nothing was announced')
  await register(late, 'c')
})

t.test('with ID_TAKEOVER=reject a node that asks for a taken id keeps its own', async (t) => {
  const app = await build(t, { ID_TAKEOVER: 'reject' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  bob.send({ type: 'register', nodeId: 'a', username: 'b' })
  t.same(await bob.nextOf('error'), error('nodeId is taken'))
  t.same(await news(alice, ['a', 'b'], bob), [])
})

t.test('with ID_TAKEOVER=reject an id is free again once its node has left, and a socket may renew its own', async (t) => {
  const app = await build(t, { ID_TAKEOVER: 'reject' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await register(bob, 'b', { username: 'robert' })
  await listOf(alice, 'a', 'b')
  await bob.close()
  await listOf(alice, 'a')
  await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
})
