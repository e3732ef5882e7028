import t from 'tap'
import { buildOnly } from '../../helper.js'
import { answers, error, join, news } from './members.js'

const build = buildOnly('psync')

t.test('offers, answers and candidates go to their target, payload unchanged', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await alice.nextOf('peer_joined')
  const payloads = [{ sdp: 'v=0\r\n' }, { nested: { deep: [1, null, 'ü😀'] } }, 'text', 0, false, [], null]
  for (const type of ['offer', 'answer', 'candidate']) {
    for (const payload of payloads) {
      alice.send({ type, source_id: 'a', target_id: 'b', payload })
      t.strictSame(await bob.next(), { type, source_id: 'a', target_id: 'b', payload })
    }
  }
  t.same(await answers(alice), [], 'the sender hears nothing of it')
})

t.test('only the target gets a signal', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  await bob.nextOf('peer_joined')
  alice.send({ type: 'offer', source_id: 'a', target_id: 'c', payload: {} })
  t.match(await carol.next(), { type: 'offer' })
  t.same(await news(alice, bob, 'b'), [])
})

t.test('a peer may signal to itself', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  alice.send({ type: 'offer', source_id: 'a', target_id: 'a', payload: 1 })
  t.same(await alice.next(), { type: 'offer', source_id: 'a', target_id: 'a', payload: 1 })
})

t.test('fields beside the envelope do not travel, and an absent payload is null', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  alice.send({ type: 'offer', source_id: 'a', target_id: 'b', extra: 1 })
  t.strictSame(await bob.next(), { type: 'offer', source_id: 'a', target_id: 'b', payload: null })
})

t.test('signals arrive in the order sent', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const numbers = Array.from({ length: 200 }, (_, at) => at)
  for (const payload of numbers) alice.send({ type: payload % 2 === 0 ? 'offer' : 'candidate', target_id: 'b', payload })
  t.same((await news(alice, bob, 'b')).map(({ payload }) => payload), numbers)
})

t.test('a signal for a peer that has left is answered with an error', async (t) => {
  const app = await build(t, { PSYNC_PEER_LEFT: 'true' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await bob.close()
  await alice.nextOf('peer_left')
  alice.send({ type: 'offer', source_id: 'a', target_id: 'b', payload: {} })
  t.same(await alice.next(), error('peer not found', { target_id: 'b' }))
})
