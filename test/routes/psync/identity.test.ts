import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { error, join, news, register } from './members.js'

const build = buildOnly('psync')

const forged = error('source_id does not match the registered peer_id')

t.test('a signal without a source_id carries the registered one', async (t) => {
  for (const STRICT_IDENTITY of ['true', 'false']) {
    const app = await build(t, { STRICT_IDENTITY })
    const alice = await join(t, app, 'a')
    const bob = await join(t, app, 'b')
    for (const more of [{}, { source_id: null }, { source_id: '' }]) {
      alice.send({ type: 'answer', ...more, target_id: 'b', payload: 1 })
      t.same(await bob.next(), { type: 'answer', source_id: 'a', target_id: 'b', payload: 1 })
    }
  }
})

t.test('a signal that names another sender is refused', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await alice.nextOf('peer_joined')
  for (const type of ['offer', 'answer', 'candidate']) {
    for (const source of ['b', 'nobody', 7, {}, ['a']]) {
      alice.send({ type, source_id: source, target_id: 'b', payload: 'forged' })
      t.same(await alice.next(), forged)
    }
  }
  t.same(await news(alice, bob, 'b'), [])
})

t.test('a register whose source_id is not its peer_id is refused', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/psync/ws')
  alice.send({ type: 'register', source_id: 'b', payload: { peer_id: 'a', group_id: 'g' } })
  t.same(await alice.next(), forged)
  alice.send({ type: 'offer', source_id: 'a', target_id: 'a' })
  t.same(await alice.next(), error('not registered'))
  t.same(await register(alice, 'a'), [], 'and may be tried again')
})

t.test('a refused register leaves the peer where it was', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await alice.nextOf('peer_joined')
  alice.send({ type: 'register', source_id: 'a', payload: { peer_id: 'c', group_id: 'g' } })
  t.same(await alice.next(), forged)
  t.same(await news(bob, alice, 'a'), [])
})

t.test('with STRICT_IDENTITY=false a peer may name another sender', async (t) => {
  const app = await build(t, { STRICT_IDENTITY: 'false' })
  const alice = await connect(t, app, '/psync/ws')
  alice.send({ type: 'register', source_id: 'somebody', payload: { peer_id: 'a', group_id: 'g' } })
  t.same(await alice.next(), { type: 'peer_list', payload: { peers: [] } })
  const bob = await join(t, app, 'b')
  alice.send({ type: 'offer', source_id: 'somebody', target_id: 'b', payload: 1 })
  t.same(await bob.next(), { type: 'offer', source_id: 'somebody', target_id: 'b', payload: 1 })
})

t.test('even then a receiver gets text as source_id', async (t) => {
  const app = await build(t, { STRICT_IDENTITY: 'false' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  for (const source of [7, {}, ['b'], true]) {
    alice.send({ type: 'offer', source_id: source, target_id: 'b', payload: 1 })
    t.same(await bob.next(), { type: 'offer', source_id: 'a', target_id: 'b', payload: 1 })
  }
})
