import t from 'tap'
import { buildOnly } from '../../helper.js'
import { join, received } from './join.js'

const build = buildOnly('peerjs')

for (const type of ['OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE', 'EXPIRE']) {
  t.test(`${type} goes to dst with the sender’s id as src, whatever src it claims`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'alice')
    const bob = await join(t, app, 'bob')
    alice.send({ type, src: 'mallory', dst: 'bob', payload: { sdp: 'v=0' } })
    t.same(await bob.next(), { type, src: 'alice', dst: 'bob', payload: { sdp: 'v=0' } })
    t.same(await received(alice, 'alice'), [], 'the sender gets no answer')
  })

  t.test(`${type} is relayed without what else the sender wrote beside type, dst and payload`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'alice')
    const bob = await join(t, app, 'bob')
    alice.send({ type, dst: 'bob', payload: 1, extra: true, token: 'secret' })
    t.same(await bob.next(), { type, src: 'alice', dst: 'bob', payload: 1 })
  })
}

t.test('a payload may be any JSON value, or absent', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  const bob = await join(t, app, 'bob')
  const payloads = [null, false, 0, -1.5e300, '', 'a "quoted" \n \u2028 line', '😀', [], [[1], null], {}, { a: { b: [] }, ключ: null }]
  for (const payload of payloads) {
    alice.send({ type: 'OFFER', dst: 'bob', payload })
    t.strictSame(await bob.next(), { type: 'OFFER', src: 'alice', dst: 'bob', payload })
  }
  alice.send('{"type":"OFFER","dst":"bob","payload":{"__proto__":{"admin":true},"constructor":1}}')
  const { payload } = await bob.next()
  t.equal(JSON.stringify(payload), '{"__proto__":{"admin":true},"constructor":1}')
  alice.send({ type: 'OFFER', dst: 'bob' })
  t.strictSame(await bob.next(), { type: 'OFFER', src: 'alice', dst: 'bob' })
})

t.test('a binary frame that holds UTF-8 JSON is relayed as text', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  const bob = await join(t, app, 'bob')
  const isBinary = new Promise((resolve) => bob.socket.once('message', (_data, isBinary) => resolve(isBinary)))
  alice.send(Buffer.from(JSON.stringify({ type: 'OFFER', dst: 'bob', payload: 'ü' })))
  t.match(await bob.next(), { src: 'alice', payload: 'ü' })
  t.equal(await isBinary, false)
})

t.test('a peer may call itself', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  alice.send({ type: 'OFFER', dst: 'alice', payload: 1 })
  t.same(await alice.next(), { type: 'OFFER', src: 'alice', dst: 'alice', payload: 1 })
})

t.test('ids with unicode, spaces and names of object properties are ids like others', async (t) => {
  const app = await build(t)
  const ids = ['😀 smile', 'a&b=c#d?e/f%20', '__proto__', 'constructor', 'null']
  const alice = await join(t, app, 'alice')
  for (const id of ids) {
    const peer = await join(t, app, id)
    alice.send({ type: 'OFFER', dst: id, payload: 1 })
    t.same(await peer.next(), { type: 'OFFER', src: 'alice', dst: id, payload: 1 })
    peer.send({ type: 'ANSWER', dst: 'alice', payload: 2 })
    t.same(await alice.next(), { type: 'ANSWER', src: id, dst: 'alice', payload: 2 })
  }
})

t.test('what one peer sends another arrives in the order sent', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  const bob = await join(t, app, 'bob')
  const count = 200
  for (let n = 0; n < count; n++) alice.send({ type: n % 2 === 0 ? 'OFFER' : 'CANDIDATE', dst: 'bob', payload: n })
  const payloads = []
  for (let n = 0; n < count; n++) payloads.push((await bob.next()).payload)
  t.same(payloads, [...Array(count).keys()])
})
