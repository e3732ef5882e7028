import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { join, news, othersOf, peerIn, register, rfc3339 } from './members.js'

const build = buildOnly('psync')

t.test('the first of a group gets an empty list', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/psync/ws')
  alice.send({ type: 'register', source_id: 'a', payload: { peer_id: 'a', group_id: 'g' } })
  t.same(await alice.next(), { type: 'peer_list', payload: { peers: [] } })
})

t.test('a newcomer gets the others of its group, and they hear of it', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await connect(t, app, '/psync/ws')
  const before = Date.now()
  bob.send({ type: 'register', source_id: 'b', payload: { peer_id: 'b', group_id: 'g' } })
  const list = await bob.next()
  t.strictSame(Object.keys(list), ['type', 'payload'])
  t.match(list, { type: 'peer_list', payload: { peers: [{ id: 'a', group_id: 'g', last_seen: rfc3339 }] } })
  const joined = await alice.next()
  t.strictSame(Object.keys(joined), ['type', 'payload'])
  t.same(Object.keys(peerIn(joined)), ['id', 'group_id', 'last_seen'])
  t.match(joined, { type: 'peer_joined', payload: { peer: { id: 'b', group_id: 'g', last_seen: rfc3339 } } })
  const seenAt = Date.parse(String(peerIn(joined).last_seen))
  t.ok(seenAt >= before - 10 && seenAt <= Date.now() + 10, 'it was last seen now')
  t.same(await news(alice, bob, 'b'), [], 'the newcomer hears nothing of itself')
})

t.test('the list is in the order of joining', async (t) => {
  const app = await build(t)
  for (const id of ['c', 'a', 'b']) await join(t, app, id)
  const dora = await connect(t, app, '/psync/ws')
  t.same((await register(dora, 'd')).map(({ id }) => id), ['c', 'a', 'b'])
})

t.test('a register needs no source_id', async (t) => {
  const app = await build(t)
  for (const more of [{}, { source_id: null }, { source_id: '' }]) {
    const alice = await connect(t, app, '/psync/ws')
    alice.send({ type: 'register', ...more, payload: { peer_id: 'a', group_id: JSON.stringify(more) } })
    t.same(await alice.next(), { type: 'peer_list', payload: { peers: [] } })
  }
})

t.test('fields that nobody asked for are tolerated', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/psync/ws')
  alice.send({ type: 'register', source_id: 'a', target_id: '', extra: 1, payload: { peer_id: 'a', group_id: 'g', name: 'Alice' } })
  t.same(await alice.next(), { type: 'peer_list', payload: { peers: [] } })
})

t.test('a peer that registers again as it was is announced again, and is there once', async (t) => {
  const app = await build(t, { PSYNC_PEER_LEFT: 'true' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  t.same(await othersOf(bob, 'b'), ['a'])
  t.same((await news(bob, alice, 'a')).map(({ type }) => type), ['peer_joined', 'peer_joined'])
  t.same(await othersOf(alice, 'a'), ['b'])
})
