import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { standStill } from '../../timing/stand-still.js'
import { error, join, listOf, news, newsUnregistered, register } from './nodes.js'

const build = buildOnly('tom')

const card = { username: 'bob', publicKey: 'pk', encryptionKey: 'ek' }
const left = { type: 'presence', action: 'leave', nodeId: 'b', ...card }

t.test('a node that closes leaves, announced, and the list follows', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b', card)
  await listOf(alice, 'a', 'b')
  await bob.close()
  t.same(await alice.next(), left)
  t.same(await alice.next(), { type: 'participants', participants: [{ nodeId: 'a', username: 'a' }] })
})

t.test('a node whose connection breaks leaves the same way', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b', card)
  await listOf(alice, 'a', 'b')
  bob.socket.terminate()
  t.same(await alice.next(), left)
  t.same(await alice.next(), { type: 'participants', participants: [{ nodeId: 'a', username: 'a' }] })
})

t.test('a socket that registers under another id leaves the first one before it joins', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b', card)
  await listOf(alice, 'a', 'b')
  await register(bob, 'c')
  t.same(await alice.next(), left)
  t.same(await alice.next(), { type: 'presence', action: 'join', nodeId: 'c', username: 'c', publicKey: '' })
  await listOf(alice, 'a', 'c')
  alice.send({ type: 'signal', from: 'a', to: 'b', payload: 1 })
  t.same(await alice.next(), error('peer not found'), 'the first id is nobody’s')
  t.same(await news(alice, ['a', 'c'], bob), [], 'the second one is reached, and hears nothing of itself')
  await bob.close()
  t.same(
    await alice.nextOf('presence'),
    { type: 'presence', action: 'leave', nodeId: 'c', username: 'c', publicKey: '' },
    'once, for the id it had last'
  )
})

t.test('a node that closes in the tick after it registered has come and gone, also when it had to wait to be let in', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await connect(t, app, '/tom')
  // Who comes after a join that took the process so long waits as long.
  app.signalbox.events.once('join', () => standStill(100))
  await join(t, app, 'x')
  await listOf(alice, 'a', 'x')
  bob.send({ type: 'register', nodeId: 'b', ...card })
  bob.socket.close()
  await bob.closed
  t.match(await alice.nextOf('presence'), { action: 'join', nodeId: 'b' })
  t.same(await alice.nextOf('presence'), left)
  t.same((await app.state.peers.list('tom')).map(({ id }) => id), ['a', 'x'])
})

t.test('a socket that never registered leaves without a word', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const silent = await connect(t, app, '/tom')
  t.same(await newsUnregistered(silent), [])
  await silent.close()
  alice.send({ type: 'signal', from: 'a', to: 'a', payload: 'last' })
  t.same(await alice.next(), { type: 'signal', from: 'a', to: 'a', payload: 'last' })
})
