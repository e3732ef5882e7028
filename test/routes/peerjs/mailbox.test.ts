import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { join, leave, pathOf, received } from './join.js'

const build = buildOnly('peerjs')

t.test('OFFER, ANSWER and CANDIDATE for an absent peer are kept in order and delivered right after OPEN', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  const sent = ['OFFER', 'CANDIDATE', 'ANSWER', 'CANDIDATE', 'OFFER'].map((type, n) => ({ type, dst: 'bob', payload: n }))
  for (const frame of sent) alice.send({ ...frame, src: 'mallory', extra: 1 })
  t.same(await received(alice, 'alice'), [], 'the sender hears nothing meanwhile')

  const bob = await join(t, app, 'bob')
  for (const frame of sent) t.same(await bob.next(), { ...frame, src: 'alice' })
})

t.test('frames of several senders are kept in the order they came', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  const carol = await join(t, app, 'carol')
  for (let n = 0; n < 6; n++) {
    const [sender, id] = n % 2 === 0 ? [alice, 'alice'] as const : [carol, 'carol'] as const
    sender.send({ type: 'CANDIDATE', dst: 'bob', payload: n })
    t.same(await received(sender, id), [])
  }
  const bob = await join(t, app, 'bob')
  for (let n = 0; n < 6; n++) t.same(await bob.next(), { type: 'CANDIDATE', src: n % 2 === 0 ? 'alice' : 'carol', dst: 'bob', payload: n })
})

t.test('kept frames are delivered also when their sender has left meanwhile', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 'farewell' })
  await leave(app, alice, 'alice')
  const bob = await join(t, app, 'bob')
  t.same(await bob.next(), { type: 'OFFER', src: 'alice', dst: 'bob', payload: 'farewell' })
})

t.test('kept frames wait for a peer that comes back', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  const gone = await join(t, app, 'bob')
  await leave(app, gone, 'bob')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  t.same(await received(alice, 'alice'), [])
  const bob = await join(t, app, 'bob')
  t.match(await bob.next(), { type: 'OFFER', payload: 1 })
})

t.test('kept frames are delivered once', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  t.same(await received(alice, 'alice'), [])
  const bob = await join(t, app, 'bob')
  t.match(await bob.next(), { type: 'OFFER' })
  const again = await join(t, app, 'bob')
  t.same(await received(again, 'bob'), [])
})

t.test('a peer that was refused does not empty the mailbox', async (t) => {
  const app = await build(t, { PEERJS_CONCURRENT_LIMIT: '2' })
  const alice = await join(t, app, 'alice')
  const carol = await join(t, app, 'carol')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  t.same(await received(alice, 'alice'), [])
  const refused = await connect(t, app, pathOf('bob'))
  t.match(await refused.next(), { type: 'ERROR' })
  t.equal((await refused.closed).code, 1013)
  await leave(app, carol, 'carol')
  const bob = await join(t, app, 'bob')
  t.match(await bob.next(), { type: 'OFFER', payload: 1 })
})

for (const type of ['LEAVE', 'EXPIRE']) {
  t.test(`${type} for an absent peer is not kept, and the sender hears nothing`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'alice')
    alice.send({ type, dst: 'bob', payload: 'lost' })
    alice.send({ type: 'OFFER', dst: 'bob', payload: 'kept' })
    t.same(await received(alice, 'alice'), [])
    const bob = await join(t, app, 'bob')
    t.match(await bob.next(), { type: 'OFFER', payload: 'kept' })
  })
}
