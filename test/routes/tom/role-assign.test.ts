import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { error, join, listOf, news, newsUnregistered } from './nodes.js'

const build = buildOnly('tom')

t.test('a role-assign reaches every node, the sender included, with the name of its sender', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
  alice.send({ type: 'role-assign', nodeId: 'b', roles: ['relay', 'client'] })
  const assigned = { type: 'role-assign', nodeId: 'b', roles: ['relay', 'client'], from: 'a' }
  t.same(await alice.next(), assigned)
  t.same(await bob.nextOf('role-assign'), assigned)
})

t.test('roles may be assigned to oneself, to nobody known, and none at all', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  alice.send({ type: 'role-assign', nodeId: 'a', roles: ['relay'] })
  alice.send({ type: 'role-assign', nodeId: 'absent', roles: [] })
  t.same(await alice.next(), { type: 'role-assign', nodeId: 'a', roles: ['relay'], from: 'a' })
  t.same(await alice.next(), { type: 'role-assign', nodeId: 'absent', roles: [], from: 'a' })
})

t.test('the server stamps who assigned, whatever the frame says', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  alice.send({ type: 'role-assign', nodeId: 'b', roles: ['relay'], from: 'mallory', more: 1 })
  t.same(await alice.next(), { type: 'role-assign', nodeId: 'b', roles: ['relay'], from: 'a' })
})

t.test('a role-assign from an unregistered socket is refused', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const stranger = await connect(t, app, '/tom')
  stranger.send({ type: 'role-assign', nodeId: 'a', roles: ['relay'] })
  t.same(await newsUnregistered(stranger), [error('not registered')])
  t.same(await news(alice, ['a', 'a'], alice), [])
})

const incomplete: Record<string, object> = {
  'without nodeId': { roles: ['relay'] },
  'without roles': { nodeId: 'b' },
  'with an empty nodeId': { nodeId: '', roles: ['relay'] },
  'with a role instead of a list': { nodeId: 'b', roles: 'relay' },
  'with a role that is no string': { nodeId: 'b', roles: [1] },
  'with null as roles': { nodeId: 'b', roles: null }
}
t.test('an incomplete role-assign is refused', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
  for (const [kind, fields] of Object.entries(incomplete)) {
    alice.send({ type: 'role-assign', ...fields })
    t.same(await alice.next(), error('missing nodeId or roles'), kind)
  }
  t.same(await news(alice, ['a', 'b'], bob), [])
})
