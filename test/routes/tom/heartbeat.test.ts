import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { join, listOf, news, newsUnregistered } from './nodes.js'

const build = buildOnly('tom')

t.test('a heartbeat reaches the other nodes with the name of its sender', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  await listOf(alice, 'a', 'b', 'c')
  await listOf(bob, 'a', 'b', 'c')
  carol.send({ type: 'heartbeat' })
  t.same(await news(carol, ['c', 'a'], alice), [{ type: 'heartbeat', from: 'c' }])
  t.same(await news(carol, ['c', 'b'], bob), [{ type: 'heartbeat', from: 'c' }])
  t.same(await news(carol, ['c', 'c'], carol), [], 'it is not sent back')
})

t.test('the server stamps who sent a heartbeat, whatever the frame says', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
  bob.send({ type: 'heartbeat', from: 'a', nodeId: 'a' })
  t.same(await alice.next(), { type: 'heartbeat', from: 'b' })
})

t.test('a heartbeat from an unregistered socket is ignored', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const stranger = await connect(t, app, '/tom')
  stranger.send({ type: 'heartbeat' })
  t.same(await newsUnregistered(stranger), [], 'no error either')
  t.same(await news(alice, ['a', 'a'], alice), [])
})
