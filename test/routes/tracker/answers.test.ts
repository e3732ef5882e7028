import t from 'tap'
import { totals, until } from '../../helper.js'
import { build, counts, failure, hash, peer, stranger } from './swarm.js'

t.test('an answer goes to the peer that it names, with all that the client wrote', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await peer(t, app, 'alice'), await peer(t, app, 'bob')]
  bob.answer('alice')
  const sent = { action: 'announce', info_hash: hash, peer_id: 'bob', to_peer_id: 'alice', answer: { type: 'answer', sdp: 'v=0 of bob' } }
  t.same(await alice.client.next(), { ...sent, offer_id: 'o' })
  bob.client.send({ offer_id: 'o', numwant: 5, ...sent })
  t.same(await alice.client.next(), { ...sent, offer_id: 'o' }, 'in another order, and with more in it')
  t.same(await bob.settle(), [], 'the sender hears nothing')
})

t.test('of a name that occurs twice, the receiver gets what was checked', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await peer(t, app, 'alice'), await peer(t, app, 'bob')]
  bob.client.send('{"action":"announce","info_hash":"x","peer_id":"alice","to_peer_id":"alice","answer":1,"offer_id":"o",' +
    `"peer_id":"bob","info_hash":${JSON.stringify(hash)}}`)
  await bob.settle()
  const { socket } = alice.client
  t.same(await alice.settle(), [
    { action: 'announce', info_hash: hash, peer_id: 'bob', to_peer_id: 'alice', answer: 1, offer_id: 'o' }
  ])
  t.equal(socket.readyState, socket.OPEN)
})

t.test('an announce whose answer is nothing is an announce', async (t) => {
  const app = await build(t)
  const alice = await stranger(t, app, 'alice')
  for (const answer of [null, false, 0, '']) t.same(await alice.announce({ answer, to_peer_id: 'bob' }), counts(0, 1))
})

t.test('an answer for a peer that has left, or is in another swarm, is answered', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await peer(t, app, 'alice'), await peer(t, app, 'bob')]
  bob.answer('carol')
  t.same(await bob.client.next(), failure('peer not found'))
  await bob.announce({ info_hash: 'another' })
  bob.answer('alice', { info_hash: 'another' })
  t.same(await bob.client.next(), failure('peer not found', 'another'))
  await alice.client.close()
  await until(() => totals(app).peers <= 2)
  bob.answer('alice')
  t.same(await bob.client.next(), failure('peer not found'))
})

t.test('nobody answers under a peer id that is not the socket’s own in this swarm', async (t) => {
  const app = await build(t)
  const [alice, bob, mallory] = [await peer(t, app, 'alice'), await peer(t, app, 'bob'), await stranger(t, app, 'mallory')]
  for (const from of ['bob', 'mallory', 'nobody']) {
    mallory.answer('alice', { peer_id: from })
    t.same(await mallory.client.next(), failure('peer_id has not announced'), from)
  }
  await mallory.announce({ info_hash: 'another', peer_id: 'bob' })
  mallory.answer('alice', { peer_id: 'bob' })
  t.same(await mallory.client.next(), failure('peer_id has not announced'), 'its place in another swarm is none here')
  t.same(await alice.settle(), [])
  bob.answer('alice')
  t.match(await alice.client.next(), { peer_id: 'bob' })
})
