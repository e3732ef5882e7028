import t from 'tap'
import { buildOnly } from '../../helper.js'
import { join, leave, received } from './join.js'

const build = buildOnly('peerjs')

/** Of how many bytes the frame is that is kept. */
const sizeOf = (dst: string, payload: string) => Buffer.byteLength(JSON.stringify({ type: 'OFFER', src: 'alice', dst, payload }))

t.test('past MAILBOX_MAX_MESSAGES for a destination the sender gets EXPIRE at once', async (t) => {
  const app = await build(t, { MAILBOX_MAX_MESSAGES: '3', PEERJS_EXPIRE_TIMEOUT: '60000' })
  const alice = await join(t, app, 'alice')
  for (let n = 0; n < 4; n++) alice.send({ type: 'CANDIDATE', dst: 'bob', payload: n })
  t.same(await received(alice, 'alice'), [{ type: 'EXPIRE', src: 'bob', dst: 'alice' }])
  alice.send({ type: 'CANDIDATE', dst: 'carol', payload: 'another mailbox' })
  t.same(await received(alice, 'alice'), [])

  const bob = await join(t, app, 'bob')
  const kept = await received(bob, 'bob')
  t.same(kept.map(({ payload }) => payload), [0, 1, 2], 'what was kept before stays kept')
})

t.test('the bound is the destination’s, whoever fills the mailbox', async (t) => {
  const app = await build(t, { MAILBOX_MAX_MESSAGES: '2', PEERJS_EXPIRE_TIMEOUT: '60000' })
  const alice = await join(t, app, 'alice')
  const carol = await join(t, app, 'carol')
  for (let n = 0; n < 2; n++) alice.send({ type: 'CANDIDATE', dst: 'bob', payload: n })
  t.same(await received(alice, 'alice'), [])
  carol.send({ type: 'OFFER', dst: 'bob', payload: 3 })
  t.same(await received(carol, 'carol'), [{ type: 'EXPIRE', src: 'bob', dst: 'carol' }])
  t.same(await received(alice, 'alice'), [])
})

t.test('a mailbox that was emptied takes frames again', async (t) => {
  const app = await build(t, { MAILBOX_MAX_MESSAGES: '1', PEERJS_EXPIRE_TIMEOUT: '60000' })
  const alice = await join(t, app, 'alice')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  t.same(await received(alice, 'alice'), [])
  const bob = await join(t, app, 'bob')
  t.match(await bob.next(), { payload: 1 })
  await leave(app, bob, 'bob')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 2 })
  t.same(await received(alice, 'alice'), [])
})

t.test('past MAILBOX_MAX_BYTES for a destination the sender gets EXPIRE at once', async (t) => {
  const app = await build(t, { MAILBOX_MAX_BYTES: '1024', PEERJS_EXPIRE_TIMEOUT: '60000' })
  const alice = await join(t, app, 'alice')
  const half = 'ü'.repeat((512 - sizeOf('bob', '')) / 2)
  const exact = half + 'x'.repeat(512 - sizeOf('bob', half))
  alice.send({ type: 'OFFER', dst: 'bob', payload: exact })
  alice.send({ type: 'OFFER', dst: 'bob', payload: exact })
  t.same(await received(alice, 'alice'), [], '1024 bytes are kept')
  alice.send({ type: 'OFFER', dst: 'bob', payload: '' })
  t.same(await received(alice, 'alice'), [{ type: 'EXPIRE', src: 'bob', dst: 'alice' }])
  alice.send({ type: 'OFFER', dst: 'carol', payload: 'x'.repeat(1024) })
  t.same(await received(alice, 'alice'), [{ type: 'EXPIRE', src: 'carol', dst: 'alice' }], 'nor is one that is too large by itself')

  const bob = await join(t, app, 'bob')
  t.equal((await received(bob, 'bob')).length, 2)
})

t.test('past MAILBOX_TOTAL_BYTES on the node the sender gets EXPIRE at once, until a mailbox is emptied', async (t) => {
  const app = await build(t, { MAILBOX_TOTAL_BYTES: '10000', PEERJS_EXPIRE_TIMEOUT: '60000' })
  const alice = await join(t, app, 'alice')
  // What it takes to keep a frame counts, too.
  for (const dst of ['bob', 'eve']) alice.send({ type: 'OFFER', dst, payload: 'x'.repeat(3000) })
  t.same(await received(alice, 'alice'), [], 'so much is kept')
  alice.send({ type: 'OFFER', dst: 'dan', payload: 'x'.repeat(3000) })
  t.same(await received(alice, 'alice'), [{ type: 'EXPIRE', src: 'dan', dst: 'alice' }])

  await join(t, app, 'eve')
  alice.send({ type: 'OFFER', dst: 'dan', payload: 'x'.repeat(3000) })
  t.same(await received(alice, 'alice'), [])
})

t.test('what has expired frees its bytes', async (t) => {
  const app = await build(t, { MAILBOX_TOTAL_BYTES: '10000', PEERJS_EXPIRE_TIMEOUT: '500' })
  const alice = await join(t, app, 'alice')
  const offer = { type: 'OFFER', dst: 'bob', payload: 'x'.repeat(8000) }
  for (let round = 0; round < 2; round++) {
    alice.send(offer)
    t.same(await received(alice, 'alice'), [], 'kept')
    t.same(await alice.next(), { type: 'EXPIRE', src: 'bob', dst: 'alice' }, 'expired')
  }
})

t.test('a mailbox takes an offer and 200 candidates of each of four callers', async (t) => {
  const app = await build(t, { PEERJS_EXPIRE_TIMEOUT: '60000', MESSAGE_BURST: '1000000' })
  const callers = ['ann', 'ben', 'cat', 'dan']
  for (const id of callers) {
    const caller = await join(t, app, id)
    caller.send({ type: 'OFFER', dst: 'bob', payload: { sdp: 'v=0'.padEnd(5000, 'x') } })
    for (let n = 0; n < 200; n++) caller.send({ type: 'CANDIDATE', dst: 'bob', payload: { candidate: `candidate:${n}`.padEnd(200, ' ') } })
    t.same(await received(caller, id), [])
  }
  const kept = await received(await join(t, app, 'bob'), 'bob')
  for (const id of callers) {
    t.same(kept.filter(({ src }) => src === id).map(({ type }) => type), ['OFFER', ...Array<string>(200).fill('CANDIDATE')])
  }
})
