import t from 'tap'
import { buildOnly } from '../../helper.js'
import { join, leave, received } from './join.js'

const build = buildOnly('peerjs')

const env = { PEERJS_EXPIRE_TIMEOUT: '500' }

t.test('at expiry the sender gets one EXPIRE for each pair', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'alice')
  const carol = await join(t, app, 'carol')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  alice.send({ type: 'CANDIDATE', dst: 'bob', payload: 2 })
  alice.send({ type: 'CANDIDATE', dst: 'bob', payload: 3 })
  alice.send({ type: 'OFFER', dst: 'dave', payload: 4 })
  carol.send({ type: 'OFFER', dst: 'bob', payload: 5 })

  t.same(await alice.next(), { type: 'EXPIRE', src: 'bob', dst: 'alice' })
  t.same(await alice.next(), { type: 'EXPIRE', src: 'dave', dst: 'alice' })
  t.same(await carol.next(), { type: 'EXPIRE', src: 'bob', dst: 'carol' })
  // A pair of its own that expires later than any second EXPIRE would.
  alice.send({ type: 'OFFER', dst: 'erin', payload: 6 })
  t.same(await alice.next(), { type: 'EXPIRE', src: 'erin', dst: 'alice' })
  t.same(await received(alice, 'alice'), [])
  t.same(await received(carol, 'carol'), [])
})

t.test('EXPIRE comes after PEERJS_EXPIRE_TIMEOUT and at most 1 s late', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'alice')
  const sentAt = performance.now()
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  t.match(await alice.next(), { type: 'EXPIRE' })
  const tookMs = performance.now() - sentAt
  t.ok(tookMs >= 500, `${tookMs} ms is not too early`)
  t.ok(tookMs <= 1500, `${tookMs} ms is not too late`)
})

t.test('what has expired is not delivered any more', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'alice')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  t.match(await alice.next(), { type: 'EXPIRE' })
  const bob = await join(t, app, 'bob')
  t.same(await received(bob, 'bob'), [])
})

t.test('what was delivered does not expire', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'alice')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  t.same(await received(alice, 'alice'), [])
  await join(t, app, 'bob')
  alice.send({ type: 'OFFER', dst: 'carol', payload: 2 })
  t.same(await alice.next(), { type: 'EXPIRE', src: 'carol', dst: 'alice' }, 'sent later, expired first')
})

t.test('EXPIRE for a sender that has left is not kept for it', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'alice')
  const carol = await join(t, app, 'carol')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  t.same(await received(alice, 'alice'), [])
  await leave(app, alice, 'alice')
  carol.send({ type: 'OFFER', dst: 'bob', payload: 2 })
  t.match(await carol.next(), { type: 'EXPIRE' }, 'alice’s has expired before')
  const again = await join(t, app, 'alice')
  t.same(await received(again, 'alice'), [])
})
