import t from 'tap'
import { buildOnly, connect, type Frame, until } from '../../helper.js'
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

t.test('a node that closes in the tick after it registered has come and gone, or has not come if it had to wait', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'x')
  await listOf(alice, 'a', 'x')
  const told: Frame[] = []
  alice.socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Frame
    if (frame.type === 'presence') told.push(frame)
  })
  bob.send({ type: 'register', nodeId: 'b', ...card })
  bob.socket.close()
  await bob.closed
  const hasCome = () => told.length > 1
  await until(() => app.signalbox.connections.size <= 1 && told.length === (hasCome() ? 3 : 1))
  t.match(told[0], { action: 'leave', nodeId: 'x' })
  if (hasCome()) t.match(told[1], { action: 'join', nodeId: 'b' })
  if (hasCome()) t.same(told[2], left)
  await until(async () => (await app.state.peers.list('tom')).length === 1)
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
