import t from 'tap'
import { connect, totals, until } from '../../helper.js'
import { Announcer, build, counts, failure, isOffer, offerOf, peer, stranger } from './swarm.js'

for (const ID_TAKEOVER of ['replace', 'reject']) {
  t.test(`a peer id belongs to the socket that announced it first in a swarm, with ID_TAKEOVER=${ID_TAKEOVER}`, async (t) => {
    const app = await build(t, { ID_TAKEOVER })
    const [alice, mallory] = [await peer(t, app, 'alice'), await stranger(t, app, 'alice')]
    t.same(await mallory.announce({ left: 0 }), failure('peer_id is taken'))
    t.same(await mallory.announce({ event: 'stopped' }), counts(0, 1), 'nobody else stops it')
    t.same(await mallory.announce({ info_hash: 'another' }), counts(0, 1, 'another'), 'elsewhere it is free')
    await peer(t, app, 'bob', { offers: [offerOf('x')] })
    t.match((await alice.client.nextThat(isOffer)).peer_id, 'bob')
    t.same((await mallory.settle()).filter(isOffer), [])
  })
}

t.test('a peer id is free once its socket has stopped, or closed', async (t) => {
  const app = await build(t)
  const alice = await peer(t, app, 'alice', { left: 0 })
  await alice.announce({ event: 'stopped' })
  const next = await stranger(t, app, 'alice')
  t.same(await next.announce({ left: 0 }), counts(1, 0))
  t.same(await alice.announce(), failure('peer_id is taken'))
  for (let round = 0; round < 10; round++) {
    const gone = round === 0 ? next : await peer(t, app, 'alice', { left: 0 })
    gone.client.socket.close()
  }
  t.same(await (await stranger(t, app, 'alice')).announce({ left: 0 }), counts(1, 0))
})

t.test('a peer id whose socket answers no ping is free after ID_PROBE_MS', async (t) => {
  const app = await build(t, { ID_PROBE_MS: '300' })
  const mute = new Announcer(await connect(t, app, '/t', { autoPong: false }), 'alice')
  await mute.announce({ left: 0 })
  const next = await stranger(t, app, 'alice')
  t.same(await next.announce({ left: 0 }), counts(1, 0))
  t.equal((await mute.client.closed).code, 4101)
  t.same(await next.announce({ left: 0 }), counts(1, 0), 'it counts once')
})

t.test('a socket is in several swarms under several peer ids, up to MAX_ROOMS_PER_CLIENT', async (t) => {
  const app = await build(t, { MAX_ROOMS_PER_CLIENT: '4' })
  const alice = await stranger(t, app, 'alice')
  t.same(await alice.announce(), counts(0, 1))
  t.same(await alice.announce({ peer_id: 'alice too' }), counts(0, 2))
  t.same(await alice.announce({ info_hash: 'another', left: 0 }), counts(1, 0, 'another'))
  t.same(await alice.announce({ info_hash: 'a third' }), failure('too many swarms', 'a third'))
  t.same(await alice.announce({ left: 0 }), counts(0, 2), 'there is no room to count it as a seeder')
  t.same(await alice.announce({ peer_id: 'alice too', event: 'stopped' }), counts(0, 1))
  t.same(await alice.announce({ left: 0 }), counts(1, 0), 'now there is')
  await alice.client.close()
  await until(() => totals(app).peers === 0)
})
