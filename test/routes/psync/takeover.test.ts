import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { answers, error, join, news, othersOf, register } from './members.js'

const build = buildOnly('psync')

const told = { PSYNC_PEER_LEFT: 'true' }
const joinedB = { type: 'peer_joined', payload: { peer: { id: 'b', group_id: 'g' } } }

t.test('a newer connection takes an id over, and the older one is closed with 4000', async (t) => {
  const app = await build(t, told)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  const young = await connect(t, app, '/psync/ws')
  t.match(await register(young, 'b'), [{ id: 'a' }], 'the older one is not in its list')
  t.match(await old.closed, { code: 4000 })
  t.match(await news(young, alice, 'a'), [joinedB, joinedB], 'the others hear of a registration, never of a leave')
  t.same(await news(alice, young, 'b'), [], 'and reach the newer one')
})

t.test('the closing of the older connection neither removes the newer one nor announces a leave', async (t) => {
  const app = await build(t, told)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  // It does not answer the close until it reads again.
  old.socket.pause()
  const young = await join(t, app, 'b')
  old.socket.resume()
  await old.closed
  t.match(await news(young, alice, 'a'), [joinedB, joinedB])
  t.same(await othersOf(alice, 'a'), ['b'])
  await young.close()
  t.match(await alice.next(), { type: 'peer_left', payload: { peer: { id: 'b' } } }, 'the newer one leaves once')
  t.same(await answers(alice), [])
})

t.test('a peer that takes another id over leaves its own', async (t) => {
  const app = await build(t, told)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  const young = await join(t, app, 'c')
  await news(young, alice, 'a')
  t.same(await othersOf(young, 'b'), ['a'])
  t.match(await old.closed, { code: 4000 })
  t.match(await news(young, alice, 'a'), [{ type: 'peer_left', payload: { peer: { id: 'c' } } }, joinedB])
})

t.test('with ID_TAKEOVER=reject the newcomer gets an error and the first stays', async (t) => {
  const app = await build(t, { ...told, ID_TAKEOVER: 'reject' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await alice.nextOf('peer_joined')
  const late = await connect(t, app, '/psync/ws')
  late.send({ type: 'register', source_id: 'b', payload: { peer_id: 'b', group_id: 'g' } })
  t.same(await late.next(), error('peer_id is taken'))
  t.same(await news(alice, bob, 'b'), [])
  t.same(await news(bob, alice, 'a'), [], 'nothing was announced')
  t.same(await register(late, 'b', 'another group'), [], 'where the id is free')
})

t.test('with ID_TAKEOVER=reject a peer whose wish is refused stays where it was, and may renew its own', async (t) => {
  const app = await build(t, { ...told, ID_TAKEOVER: 'reject' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  bob.send({ type: 'register', source_id: 'a', payload: { peer_id: 'a', group_id: 'g' } })
  t.same(await bob.next(), error('peer_id is taken'))
  t.same(await news(alice, bob, 'b'), [])
  t.same(await othersOf(bob, 'b'), ['a'])
})
