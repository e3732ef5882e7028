import { once } from 'node:events'
import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { idsIn, join, listOf, register } from './nodes.js'

const build = buildOnly('tom')

const env = { HEARTBEAT_INTERVAL: '1000' }

t.test('a socket silent for two intervals is closed with 4101, and its node leaves', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'a')
  const bob = await connect(t, app, '/tom', { autoPong: false })
  await register(bob, 'b')
  await listOf(alice, 'a', 'b')
  t.match(await bob.closed, { code: 4101 })
  t.same(await alice.next(), { type: 'presence', action: 'leave', nodeId: 'b', username: 'b', publicKey: '' })
  t.same(idsIn(await alice.next()), ['a'])
})

t.test('the node of a socket that no longer reads leaves as well', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
  bob.socket.pause()
  t.same(await alice.next(), { type: 'presence', action: 'leave', nodeId: 'b', username: 'b', publicKey: '' })
  t.same(idsIn(await alice.next()), ['a'])
})

t.test('frames count as life where pongs do not come', async (t) => {
  const app = await build(t, env)
  const bob = await connect(t, app, '/tom', { autoPong: false })
  await register(bob, 'b')
  for (let pings = 0; pings < 3; pings++) {
    await once(bob.socket, 'ping')
    bob.send({ type: 'heartbeat' })
  }
  t.equal(bob.socket.readyState, bob.socket.OPEN)
})

t.test('pongs count as life where frames do not come', async (t) => {
  const app = await build(t, env)
  const bob = await join(t, app, 'b')
  for (let pings = 0; pings < 3; pings++) await once(bob.socket, 'ping')
  t.equal(bob.socket.readyState, bob.socket.OPEN)
})
