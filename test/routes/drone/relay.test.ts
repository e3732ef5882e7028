import t from 'tap'
import { buildOnly } from '../../helper.js'
import { answers, error, join, news, timeless } from './clients.js'

const build = buildOnly('drone')

t.test('offers and answers go to their target, sdp unchanged', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  for (const sdp of ['v=0\r\no=…', '', {}, { type: 'offer', sdp: 'v=0\r\n', nested: [{ deep: null }] }]) {
    for (const type of ['offer', 'answer']) {
      alice.send({ type, target: 'b', sdp, sessionId: 's' })
      t.strictSame(timeless(await bob.next()), { type, from: 'a', sdp, sessionId: 's' })
    }
  }
  t.same(await answers(alice), [], 'the sender hears nothing of it')
})

t.test('candidates go to their target unchanged: an object, text, or null for their end', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  for (const candidate of [
    { candidate: 'candidate:…', sdpMLineIndex: 0, sdpMid: '0', usernameFragment: null }, {}, 'candidate:…', '', null
  ]) {
    alice.send({ type: 'ice', target: 'b', candidate })
    t.strictSame(timeless(await bob.next()), { type: 'ice', from: 'a', candidate })
  }
})

t.test('the sender is the registered one, whatever the frame says', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 's', from: 'mallory', timestamp: 'never', extra: 1 })
  t.strictSame(timeless(await bob.next()), { type: 'offer', from: 'a', sdp: 's', sessionId: 's' }, 'and no other field travels')
})

t.test('only the target gets a signal', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  alice.send({ type: 'offer', target: 'c', sdp: 's' })
  t.match(await carol.next(), { type: 'offer' })
  t.same(await news(alice, bob, 'b'), [])
})

t.test('signals arrive in the order sent', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const numbers = Array.from({ length: 200 }, (_, at) => at)
  for (const at of numbers) alice.send({ type: 'ice', target: 'b', candidate: { at } })
  t.same((await news(alice, bob, 'b')).map(({ candidate }) => (candidate as { at: number }).at), numbers)
})

t.test('a signal for a client that has left is answered with an error', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await bob.close()
  await alice.nextOf('client_list_update')
  for (const frame of [{ type: 'offer', sdp: 's' }, { type: 'answer', sdp: 's' }, { type: 'ice', candidate: null }]) {
    alice.send({ ...frame, target: 'b' })
    t.strictSame(await alice.next(), error('Target client not found', 'b'))
  }
})
