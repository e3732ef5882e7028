import t from 'tap'
import { build, counts, failure, type Frame, hash, isOffer, offerOf, peer, peersOf } from './swarm.js'

const names = Array.from({ length: 12 }, (_, at) => `peer ${at}`)

t.test('each offer goes to another peer of the swarm, whole and with its sender', async (t) => {
  const app = await build(t)
  const peers = await peersOf(t, app, names.slice(0, 3))
  const alice = await peer(t, app, 'alice', { offers: ['x', 'y', 'z'].map(offerOf) })
  const got = []
  for (const { client } of peers) got.push(await client.nextThat(isOffer))
  const expected = ['x', 'y', 'z'].map((name) => ({ action: 'announce', info_hash: hash, peer_id: 'alice', ...offerOf(name) }))
  const byName = (frames: Frame[]) => frames.sort((one, other) => String(one.offer_id) < String(other.offer_id) ? -1 : 1)
  t.same(byName(got), expected)
  t.same(await alice.settle(), [], 'none came back')
})

t.test('offers that find nobody are dropped, and nobody gets two of one announce', async (t) => {
  const app = await build(t)
  const alice = await peer(t, app, 'alice', { offers: ['x', 'y'].map(offerOf) })
  const bob = await peer(t, app, 'bob')
  t.same(await bob.until(alice), [], 'what was offered before it came is not kept')
  t.same(await alice.announce({ offers: ['x', 'y'].map(offerOf) }), counts(0, 2))
  t.equal((await bob.until(alice)).filter(isOffer).length, 1)
  t.same(await alice.settle(), [])
})

t.test('at most 10 offers of an announce are passed on', async (t) => {
  const app = await build(t)
  const peers = await peersOf(t, app, names)
  const alice = await peer(t, app, 'alice', { offers: Array.from({ length: 12 }, (_, at) => offerOf(String(at))), numwant: 12 })
  const got = await Promise.all(peers.map(async (peer) => (await peer.until(alice)).filter(isOffer).length))
  t.same(got.sort(), [0, 0, ...Array.from({ length: 10 }, () => 1)])
})

t.test('whom an offer goes to is drawn anew each time', async (t) => {
  const app = await build(t)
  const peers = await peersOf(t, app, names)
  const alice = await peer(t, app, 'alice')
  for (let round = 0; round < 100; round++) await alice.announce({ offers: [offerOf('x')] })
  const got = await Promise.all(peers.map(async (peer) => (await peer.until(alice)).filter(isOffer).length))
  t.equal(got.reduce((sum, count) => sum + count), 100)
  t.ok(got.filter((count) => count > 0).length > 6, `offers to each: ${got.join(' ')}`)
})

t.test('an offer goes to its own swarm alone', async (t) => {
  const app = await build(t)
  const [bob, carol] = [await peer(t, app, 'bob', { info_hash: 'another' }), await peer(t, app, 'carol')]
  const alice = await peer(t, app, 'alice', { offers: ['x', 'y'].map(offerOf) })
  t.equal((await carol.until(alice)).filter(isOffer).length, 1)
  await alice.announce({ info_hash: 'another' })
  t.same(await bob.until(alice, { info_hash: 'another' }), [])
})

t.test('two peer ids of one socket are two peers', async (t) => {
  const app = await build(t)
  const alice = await peer(t, app, 'alice')
  await alice.announce({ peer_id: 'bob', offers: [offerOf('x')] })
  t.same((await alice.settle()).map(({ peer_id: sender }) => sender), ['bob'])
})

t.test('any JSON is an offer', async (t) => {
  const app = await build(t)
  const bob = await peer(t, app, 'bob')
  const alice = await peer(t, app, 'alice')
  for (const offer of [null, 7, 'ciphertext', ['a', { b: '\u2028' }], { __proto__: null, sdp: '\0' }]) {
    await alice.announce({ offers: [{ offer, offer_id: 'o' }] })
    t.same((await bob.client.nextThat(isOffer)).offer, offer)
  }
  alice.say({ offers: [{ offer: 1, offer_id: 'o' }, { offer: 2 }] })
  t.same(await alice.settle(), [failure('invalid info_hash, peer_id or offers', '')])
  t.same(await bob.until(alice), [], 'an announce with a bad offer has none of its offers passed on')
})

t.test('an offer for a peer that reads too slowly is answered', async (t) => {
  const app = await build(t, { MAX_BUFFERED: '65536', MESSAGE_RATE: '100000', MESSAGE_BURST: '100000' })
  const [alice, bob] = [await peer(t, app, 'alice'), await peer(t, app, 'bob')]
  bob.client.socket.pause()
  const offers = [{ offer: 'x'.repeat(60_000), offer_id: 'o' }]
  const answers = []
  while (answers.length === 0) {
    await alice.announce({ offers })
    answers.push(...(await alice.settle()).filter((frame) => frame['failure reason'] !== undefined))
  }
  t.same(answers[0], failure('peer not found'))
  bob.client.socket.terminate()
})
