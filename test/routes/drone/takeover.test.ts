import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { answers, error, join, news, othersOf, register } from './clients.js'

const build = buildOnly('drone')

t.test('a newer connection takes an id over, and the older one is closed with 4000', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  const young = await join(t, app, 'b')
  t.match(await old.closed, { code: 4000 })
  t.same(await news(alice, young, 'b'), [])
  t.same(await othersOf(alice), ['b'], 'it is there once')
})

t.test('the closing of the older connection does not remove the newer one', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  // It does not answer the close until it reads again.
  old.socket.pause()
  const young = await join(t, app, 'b')
  old.socket.resume()
  await old.closed
  t.same(await news(alice, young, 'b'), [])
  t.same(await news(young, alice, 'a'), [])
})

t.test('a client that takes another id over leaves its own', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  const young = await join(t, app, 'c')
  await register(young, 'b')
  t.match(await old.closed, { code: 4000 })
  t.match(await alice.next(), { type: 'client_list_update', clients: ['a', 'b'], count: 2 })
})

t.test('with ID_TAKEOVER=reject the newcomer gets an error and the first stays', async (t) => {
  const app = await build(t, { ID_TAKEOVER: 'reject' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const late = await connect(t, app, '/drone')
  late.send({ type: 'register', id: 'b' })
  t.strictSame(await late.next(), error('Id is taken'))
  t.same(await news(alice, bob, 'b'), [])
  t.same(await answers(bob), [])
  await register(late, 'c')
  late.send({ type: 'register', id: 'b' })
  t.strictSame(await late.next(), error('Id is taken'))
  t.same(await news(alice, late, 'c'), [], 'a client whose wish is refused keeps its own')
  await register(bob, 'b')
})
