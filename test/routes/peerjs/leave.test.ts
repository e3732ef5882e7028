import t from 'tap'
import { buildOnly, urlOf } from '../../helper.js'
import { join, received } from './join.js'

const build = buildOnly('peerjs')

for (const [what, dst] of [['without dst', {}], ['with an empty dst', { dst: '' }], ['with dst null', { dst: null }]] as const) {
  t.test(`LEAVE ${what} ends the sender’s own registration and leaves its socket open`, async (t) => {
    const app = await build(t, { ALLOW_DISCOVERY: 'true' })
    const alice = await join(t, app, 'alice', { token: 'first' })
    const bob = await join(t, app, 'bob')
    alice.send({ type: 'LEAVE', ...dst })
    alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
    t.same(await alice.next(), { type: 'ERROR', payload: { msg: 'Not registered' } }, 'it has left, and its socket is open')
    t.same(await (await fetch(`${urlOf(app)}/peerjs/peers`)).json(), ['bob'])
    t.same(await received(bob, 'bob'), [], 'nobody is told')

    await join(t, app, 'alice', { token: 'second' })
  })
}

t.test('the socket of a peer that has left takes nothing along when it closes', async (t) => {
  const app = await build(t, { ALLOW_DISCOVERY: 'true' })
  const old = await join(t, app, 'alice', { token: 'first' })
  old.send({ type: 'LEAVE' })
  old.send({ type: 'NONSENSE' })
  t.match(await old.next(), { type: 'ERROR' }, 'the leave is handled')
  const alice = await join(t, app, 'alice', { token: 'second' })
  await old.close()
  t.same(await received(alice, 'alice'), [])
  t.same(await (await fetch(`${urlOf(app)}/peerjs/peers`)).json(), ['alice'])
})

t.test('after LEAVE, heartbeats and a second LEAVE are still taken without a word', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  for (const type of ['LEAVE', 'HEARTBEAT', 'LEAVE']) alice.send({ type })
  alice.send({ type: 'NONSENSE' })
  t.match(await alice.next(), { payload: { msg: 'Unknown message type: NONSENSE' } })
})

t.test('a frame for a peer that has left is kept', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  const bob = await join(t, app, 'bob')
  bob.send({ type: 'LEAVE' })
  bob.send({ type: 'NONSENSE' })
  t.match(await bob.next(), { type: 'ERROR' }, 'the leave is handled')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  t.same(await received(alice, 'alice'), [])
  const again = await join(t, app, 'bob')
  t.match(await again.next(), { type: 'OFFER', src: 'alice', payload: 1 })
})
