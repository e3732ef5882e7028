import t from 'tap'
import { buildOnly, connect, until } from '../../helper.js'
import { standStill } from '../../timing/stand-still.js'
import { error, join, news, othersOf, peerIn, register, rfc3339 } from './members.js'

const build = buildOnly('psync')

const told = { PSYNC_PEER_LEFT: 'true' }

t.test('a peer that closes is in no list any more', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await bob.close()
  await until(async () => (await othersOf(alice, 'a')).length === 0)
  alice.send({ type: 'offer', target_id: 'b', payload: {} })
  t.same(await alice.nextOf('error'), error('peer not found', { target_id: 'b' }))
})

t.test('by default nobody is told that a peer left', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  await bob.close()
  await until(async () => !(await othersOf(carol, 'c')).includes('b'))
  t.notOk((await news(alice, alice, 'a')).find(({ type }) => type !== 'peer_joined'))
})

for (const how of ['closes', 'breaks off']) {
  t.test(`with PSYNC_PEER_LEFT=true the group is told when a peer ${how}`, async (t) => {
    const app = await build(t, told)
    const alice = await join(t, app, 'a')
    const elsewhere = await join(t, app, 'e', { group: 'other' })
    const bob = await join(t, app, 'b')
    await alice.nextOf('peer_joined')
    if (how === 'closes') await bob.close()
    else bob.socket.terminate()
    const left = await alice.next()
    t.same(Object.keys(left), ['type', 'payload'])
    t.same(Object.keys(peerIn(left)), ['id', 'group_id', 'last_seen'])
    t.match(left, { type: 'peer_left', payload: { peer: { id: 'b', group_id: 'g', last_seen: rfc3339 } } })
    t.same(await news(elsewhere, elsewhere, 'e'), [], 'another group is not')
  })
}

t.test('a peer that closes right after it registered has come and gone, also when it had to wait to be let in', async (t) => {
  const app = await build(t, told)
  const alice = await join(t, app, 'a')
  const bob = await connect(t, app, '/psync/ws')
  // Who comes after a join that took the process so long waits as long.
  app.signalbox.events.once('join', () => standStill(100))
  await join(t, app, 'x')
  bob.send({ type: 'register', source_id: 'b', payload: { peer_id: 'b', group_id: 'g' } })
  await bob.close()
  for (const [type, id] of [['peer_joined', 'x'], ['peer_joined', 'b'], ['peer_left', 'b']]) {
    t.match(await alice.next(), { type, payload: { peer: { id } } })
  }
  t.same(await othersOf(alice, 'a'), ['x'])
})

t.test('a peer that registers in another group leaves the first', async (t) => {
  const app = await build(t, told)
  const alice = await join(t, app, 'a', { group: 'one' })
  const carol = await join(t, app, 'c', { group: 'two' })
  const bob = await join(t, app, 'b', { group: 'one' })
  await alice.nextOf('peer_joined')
  t.match(await register(bob, 'b', 'two'), [{ id: 'c', group_id: 'two' }])
  t.match(await alice.next(), { type: 'peer_left', payload: { peer: { id: 'b', group_id: 'one' } } })
  t.match(await carol.next(), { type: 'peer_joined', payload: { peer: { id: 'b', group_id: 'two' } } })
  alice.send({ type: 'offer', target_id: 'b', payload: {} })
  t.same(await alice.next(), error('peer not found', { target_id: 'b' }))
  bob.send({ type: 'offer', target_id: 'a', payload: {} })
  t.same(await bob.next(), error('peer not found', { target_id: 'a' }))
  t.same(await news(carol, bob, 'b'), [])
  await bob.close()
  t.match(await carol.next(), { type: 'peer_left', payload: { peer: { id: 'b', group_id: 'two' } } })
  t.same(await news(alice, alice, 'a'), [], 'the first group hears of no second leaving')
})

t.test('a peer that registers under another id leaves the first before it joins', async (t) => {
  const app = await build(t, told)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await alice.nextOf('peer_joined')
  t.same(await othersOf(bob, 'c'), ['a'], 'its former self is not in its list')
  t.match(await alice.next(), { type: 'peer_left', payload: { peer: { id: 'b' } } })
  t.match(await alice.next(), { type: 'peer_joined', payload: { peer: { id: 'c' } } })
  alice.send({ type: 'offer', target_id: 'b', payload: {} })
  t.same(await alice.next(), error('peer not found', { target_id: 'b' }))
  bob.send({ type: 'offer', target_id: 'a', payload: 1 })
  t.same(await alice.next(), { type: 'offer', source_id: 'c', target_id: 'a', payload: 1 })
  bob.send({ type: 'offer', source_id: 'b', target_id: 'a', payload: 1 })
  t.same(await bob.next(), error('source_id does not match the registered peer_id'))
})
