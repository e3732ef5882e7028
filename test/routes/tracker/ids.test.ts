import fc from 'fast-check'
import t from 'tap'
import { nameOf } from '../../../routes/tracker/swarm.js'
import { printable } from '../../../src/frame/ids.js'
import { build, counts, isOffer, offerOf, peer, stranger } from './swarm.js'

const every = (from: number, to: number) => String.fromCharCode(...Array.from({ length: to - from }, (_, at) => from + at))

const ids = [
  ...Array.from({ length: 13 }, (_, at) => every(at * 20, Math.min(256, at * 20 + 20))),
  '\0'.repeat(256), '\ud800', '\udfff'.repeat(256), '😀'.repeat(128), '"', '"\\u0000"', 'a'.repeat(40), '0'.repeat(40), '__proto__', ' ',
  'N/Z+Rw3dEjQ5Bkzm0hJ7nT1FzXmHk2pVbYcWq8sLxAg='
]

t.test('hashes, peer ids and offer ids are any text, and come back as they were', async (t) => {
  const app = await build(t)
  const bob = await stranger(t, app, 'bob')
  const alice = await stranger(t, app, 'alice')
  for (const id of ids) {
    t.same(await bob.announce({ info_hash: id, peer_id: 'bob' }), counts(0, 1, id))
    const frame = { info_hash: id, peer_id: id, offers: [{ offer: 1, offer_id: id }] }
    t.same(await alice.announce(frame), counts(0, 2, id), JSON.stringify(id))
    t.same(await bob.client.nextThat(isOffer), { action: 'announce', info_hash: id, peer_id: id, offer: 1, offer_id: id })
    const answer = { action: 'announce', info_hash: id, peer_id: 'bob', to_peer_id: id, answer: 2, offer_id: id }
    bob.client.send(answer)
    t.same(await alice.client.next(), answer)
    await alice.announce({ info_hash: id, peer_id: id, event: 'stopped' })
    await bob.announce({ info_hash: id, event: 'stopped' })
  }
})

t.test('no two hashes or peer ids have one name, and a name is one that the state may hold', async (t) => {
  const names = new Map(ids.map((id) => [nameOf(id), id]))
  t.equal(names.size, new Set(ids).size)
  const unit = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x22, 0x30, 0x61, 0x7f, 0x85, 0xd800, 0xdc00, 0xfffd))
  const text = fc.array(unit, { minLength: 1, maxLength: 40 }).map((units) => String.fromCharCode(...units))
  const digits = fc.string({ unit: fc.constantFrom('0', 'a', '"'), minLength: 18, maxLength: 44 })
  fc.assert(fc.property(fc.oneof(text, digits), fc.oneof(text, digits), (one, other) => {
    for (const id of [one, nameOf(one), nameOf(nameOf(one))]) {
      if (!new RegExp(printable).test(nameOf(id))) return false
      if (id !== other && nameOf(id) === nameOf(other)) return false
    }
    return one === nameOf(one) || nameOf(nameOf(one)) !== nameOf(one)
  }), { numRuns: 5000 })
})

t.test('20 bytes are shown as in a magnet link', async (t) => {
  t.equal(nameOf('\x01\xffABCDEFGHIJKLMNOPQR'), '01ff4142434445464748494a4b4c4d4e4f505152')
  t.equal(nameOf('N/Z+Rw3dEjQ5Bkzm0hJ7nT1FzXmHk2pVbYcWq8sLxAg='), 'N/Z+Rw3dEjQ5Bkzm0hJ7nT1FzXmHk2pVbYcWq8sLxAg=')
})

t.test('what a peer is shown under is its name', async (t) => {
  const app = await build(t)
  await peer(t, app, '\0'.repeat(20), { offers: [offerOf('x')] })
  t.same(await app.state.peers.roomNames('tracker/swarm/'), ['tracker/swarm/000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7'])
})
