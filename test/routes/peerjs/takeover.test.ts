import t from 'tap'
import { buildOnly, connect, urlOf } from '../../helper.js'
import { join, leave, pathOf, received } from './join.js'

const build = buildOnly('peerjs')

t.test('an id connected with another token is ID-TAKEN, closed with 1008, and the first one stays', async (t) => {
  const app = await build(t)
  const first = await join(t, app, 'alice', { token: 'mine' })
  const thief = await connect(t, app, pathOf('alice', { token: 'guessed' }))
  t.same(await thief.next(), { type: 'ID-TAKEN', payload: { msg: 'ID is taken' } })
  t.equal((await thief.closed).code, 1008)
  t.same(await received(first, 'alice'), [])
})

t.test('an id whose peer has left is free for another token', async (t) => {
  const app = await build(t)
  const first = await join(t, app, 'alice', { token: 'mine' })
  await leave(app, first, 'alice')
  await join(t, app, 'alice', { token: 'yours' })
})

for (const ID_TAKEOVER of ['replace', 'reject']) {
  t.test(`with ID_TAKEOVER=${ID_TAKEOVER}, the same token replaces: the new socket gets OPEN, the old one closes with 4000`, async (t) => {
    const app = await build(t, { ID_TAKEOVER })
    const old = await join(t, app, 'alice')
    await join(t, app, 'alice')
    t.equal((await old.closed).code, 4000)
  })

  t.test(`with ID_TAKEOVER=${ID_TAKEOVER}, another token is ID-TAKEN`, async (t) => {
    const app = await build(t, { ID_TAKEOVER })
    await join(t, app, 'alice', { token: 'mine' })
    const thief = await connect(t, app, pathOf('alice', { token: 'guessed' }))
    t.match(await thief.next(), { type: 'ID-TAKEN' })
  })
}

t.test('the old socket’s closing does not remove the newer registration', async (t) => {
  const app = await build(t, { ALLOW_DISCOVERY: 'true' })
  const bob = await join(t, app, 'bob')
  const old = await join(t, app, 'alice')
  // Unread, so that its socket is still closing when the new one is at work.
  old.socket.pause()
  const alice = await join(t, app, 'alice')
  old.socket.resume()
  t.equal((await old.closed).code, 4000)

  bob.send({ type: 'OFFER', dst: 'alice', payload: 'for the new one' })
  t.same(await alice.next(), { type: 'OFFER', src: 'bob', dst: 'alice', payload: 'for the new one' })
  t.same(await (await fetch(`${urlOf(app)}/peerjs/peers`)).json(), ['bob', 'alice'])
  t.same(await received(bob, 'bob'), [], 'and nobody hears of a leave')
})

t.test('the old socket’s frames are not relayed any more', async (t) => {
  const app = await build(t)
  const bob = await join(t, app, 'bob')
  const old = await join(t, app, 'alice')
  const alice = await join(t, app, 'alice')
  old.send({ type: 'OFFER', dst: 'bob', payload: 'from the old one' })
  await old.closed
  alice.send({ type: 'OFFER', dst: 'bob', payload: 'from the new one' })
  t.match(await bob.next(), { payload: 'from the new one' })
})

t.test('an id can be taken over again and again', async (t) => {
  const app = await build(t)
  let last = await join(t, app, 'alice')
  for (let round = 0; round < 5; round++) {
    const next = await join(t, app, 'alice')
    t.equal((await last.closed).code, 4000)
    last = next
  }
  t.same(await received(last, 'alice'), [])
})
