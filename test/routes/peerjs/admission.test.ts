import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { join, leave, pathOf } from './join.js'

const build = buildOnly('peerjs')

const incomplete = { type: 'ERROR', payload: { msg: 'No id, token, or key supplied to websocket server' } }

t.test('whoever is accepted gets OPEN and nothing else in it', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/peerjs?key=peerjs&id=alice&token=t&version=1.5.5')
  t.same(await alice.next(), { type: 'OPEN' })
})

const queries = {
  'id=alice&token=t': 'no key',
  'key=peerjs&token=t': 'no id',
  'key=peerjs&id=alice': 'no token',
  'key=&id=alice&token=t': 'an empty key',
  'key=peerjs&id=&token=t': 'an empty id',
  'key=peerjs&id=alice&token=': 'an empty token',
  '': 'nothing at all'
}

for (const [query, what] of Object.entries(queries)) {
  t.test(`a query with ${what} is told and closed with 1008`, async (t) => {
    const app = await build(t)
    const client = await connect(t, app, `/peerjs?${query}`)
    t.same(await client.next(), incomplete)
    t.equal((await client.closed).code, 1008)
  })
}

t.test('what is missing is told before what is wrong', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/peerjs?key=wrong&id=alice')
  t.same(await client.next(), incomplete)
})

t.test('an id of 256 units is taken, a longer one or one with control characters is refused with 1008', async (t) => {
  const app = await build(t)
  await join(t, app, 'ü'.repeat(256))
  for (const id of ['x'.repeat(257), 'a\nb', '\u0000']) {
    const client = await connect(t, app, pathOf(id))
    t.match(await client.next(), { type: 'ERROR', payload: { msg: 'Invalid id provided' } })
    t.equal((await client.closed).code, 1008)
  }
})

t.test('past PEERJS_CONCURRENT_LIMIT a client is told and closed with 1013', async (t) => {
  const app = await build(t, { PEERJS_CONCURRENT_LIMIT: '2' })
  const alice = await join(t, app, 'alice')
  await join(t, app, 'bob')
  const carol = await connect(t, app, pathOf('carol'))
  t.same(await carol.next(), { type: 'ERROR', payload: { msg: 'Server has reached its concurrent user limit' } })
  t.equal((await carol.closed).code, 1013)

  await leave(app, alice, 'alice')
  await join(t, app, 'carol')
})

t.test('at the limit a client can still take its own place over', async (t) => {
  const app = await build(t, { PEERJS_CONCURRENT_LIMIT: '1' })
  await join(t, app, 'alice')
  await join(t, app, 'alice')
})

t.test('a client that was refused is no peer: what it sends goes nowhere', async (t) => {
  const app = await build(t)
  const bob = await join(t, app, 'bob')
  const refused = await connect(t, app, pathOf('alice', { key: 'wrong' }))
  refused.send({ type: 'OFFER', dst: 'bob', payload: 'from nobody' })
  t.equal((await refused.closed).code, 1008)
  const alice = await join(t, app, 'alice')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 'from alice' })
  t.match(await bob.next(), { payload: 'from alice' })
})
