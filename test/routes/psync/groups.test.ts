import t from 'tap'
import { buildOnly } from '../../helper.js'
import { error, join, news, othersOf } from './members.js'

const build = buildOnly('psync')

t.test('a peer neither sees nor reaches who is in another group', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a', { group: 'one' })
  const bob = await join(t, app, 'b', { group: 'two' })
  t.same(await othersOf(bob, 'b', 'two'), [])
  for (const type of ['offer', 'answer', 'candidate']) {
    bob.send({ type, source_id: 'b', target_id: 'a', payload: {} })
    t.same(await bob.next(), error('peer not found', { target_id: 'a' }))
  }
  const carol = await join(t, app, 'c', { group: 'one' })
  t.same(
    (await news(carol, alice, 'a')).map(({ payload }) => (payload as { peer: { id: string } }).peer.id),
    ['c'],
    'of all that alice heard of her own group only'
  )
})

t.test('the same id is another peer in another group', async (t) => {
  const app = await build(t)
  const one = await join(t, app, 'same', { group: 'one' })
  const two = await join(t, app, 'same', { group: 'two' })
  const alice = await join(t, app, 'a', { group: 'one' })
  const bob = await join(t, app, 'a', { group: 'two' })
  alice.send({ type: 'offer', target_id: 'same', payload: 'for one' })
  bob.send({ type: 'offer', target_id: 'same', payload: 'for two' })
  t.match(await one.nextOf('offer'), { payload: 'for one' })
  t.match(await two.nextOf('offer'), { payload: 'for two' })
  t.equal(one.socket.readyState, one.socket.OPEN, 'nobody was replaced')
  await two.close()
  t.same(await news(alice, one, 'same'), [], 'and the leaving of one is nothing to the other')
})

t.test('groups whose names are parts of each other, or names of object properties, are apart', async (t) => {
  const app = await build(t)
  const groups = ['g', 'g/1', '/g', 'G', '__proto__', 'constructor', 'ünï😀', ' ']
  for (const group of groups) {
    const peer = await join(t, app, '__proto__', { group })
    t.same(await othersOf(peer, '__proto__', group), [], group)
  }
})
