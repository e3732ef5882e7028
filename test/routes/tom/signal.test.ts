import { once } from 'node:events'
import t from 'tap'
import { buildOnly } from '../../helper.js'
import { error, join, listOf, news } from './nodes.js'

const build = buildOnly('tom')

const payloads: Record<string, unknown> = {
  'an object': { type: 'offer', sdp: 'v=0\r\n' },
  'a string': 'text with 🦊 and \u0000',
  'a number': 0,
  null: null,
  false: false,
  'a list': [1, [2, null]],
  'an empty string': ''
}
for (const [kind, payload] of Object.entries(payloads)) {
  t.test(`a signal whose payload is ${kind} is forwarded`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'a')
    const bob = await join(t, app, 'b')
    const frame = { type: 'signal', from: 'a', to: 'b', payload }
    alice.send(frame)
    t.same(await bob.nextOf('signal'), frame)
  })
}

t.test('a signal that begins with type, sender and receiver is forwarded as it is, unknown fields and spaces included', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const text = '{"type":"signal","from":"a","to":"b","ttl" : 3.0, "payload":{"__proto__":{"x":1},"n":1e400}\n}'
  const arrived = once(bob.socket, 'message')
  alice.send(text)
  const [data, isBinary] = await arrived
  t.equal(String(data), text)
  t.equal(isBinary, false)
})

t.test('a signal in another order is forwarded with the same members', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  alice.send('{ "to":"b","ttl" : 3, "payload":{"x":[1,null]},\n"from":"a", "type":"signal" }')
  t.same(await bob.nextOf('signal'), { type: 'signal', from: 'a', to: 'b', ttl: 3, payload: { x: [1, null] } })
})

t.test('a signal without a payload is forwarded too', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  alice.send({ type: 'signal', from: 'a', to: 'a' })
  t.same(await alice.next(), { type: 'signal', from: 'a', to: 'a' })
})

t.test('a signal goes to its target alone', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  await listOf(alice, 'a', 'b', 'c')
  alice.send({ type: 'signal', from: 'a', to: 'b', payload: 1 })
  t.same(await bob.nextOf('signal'), { type: 'signal', from: 'a', to: 'b', payload: 1 })
  t.same(await news(alice, ['a', 'c'], carol), [])
  t.same(await news(alice, ['a', 'a'], alice), [], 'nor is it confirmed')
})

t.test('500 signals arrive in the order sent', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const count = 500
  for (let payload = 0; payload < count; payload++) alice.send({ type: 'signal', from: 'a', to: 'b', payload })
  for (let payload = 0; payload < count; payload++) t.equal((await bob.nextOf('signal')).payload, payload)
})

t.test('a burst above the rate arrives late, in order and whole', async (t) => {
  const app = await build(t, { MESSAGE_RATE: '200', MESSAGE_BURST: '50' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const startedAt = performance.now()
  const count = 150
  for (let payload = 0; payload < count; payload++) alice.send({ type: 'signal', from: 'a', to: 'b', payload })
  for (let payload = 0; payload < count; payload++) t.equal((await bob.nextOf('signal')).payload, payload)
  t.ok(performance.now() - startedAt > 400, '100 frames at 200 a second')
})

t.test('a signal for an absent node, and for one that has left, is answered', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  alice.send({ type: 'signal', from: 'a', to: 'b', payload: 1 })
  t.same(await alice.next(), error('peer not found'))
  const bob = await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
  await bob.close()
  await listOf(alice, 'a')
  alice.send({ type: 'signal', from: 'a', to: 'b', payload: 1 })
  t.same(await alice.next(), error('peer not found'))
})
