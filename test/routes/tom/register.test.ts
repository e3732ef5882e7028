import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { error, idsIn, join, listOf, news, newsUnregistered, register } from './nodes.js'

const build = buildOnly('tom')

t.test('a new node is announced to the others, then everybody gets the list', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a', { username: 'alice' })
  const bob = await connect(t, app, '/tom')
  bob.send({ type: 'register', nodeId: 'b', username: 'bob' })
  t.same(await alice.next(), { type: 'presence', action: 'join', nodeId: 'b', username: 'bob', publicKey: '' })
  const list = { type: 'participants', participants: [{ nodeId: 'a', username: 'alice' }, { nodeId: 'b', username: 'bob' }] }
  t.same(await alice.next(), list)
  t.same(await bob.next(), list, 'the new one gets it first, without a word of its own presence')
})

t.test('a node alone gets a list that holds itself', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/tom')
  alice.send({ type: 'register', nodeId: 'a', username: 'alice' })
  t.same(await alice.next(), { type: 'participants', participants: [{ nodeId: 'a', username: 'alice' }] })
})

t.test('presence carries both keys, the list only the one for encryption', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  await join(t, app, 'b', { publicKey: 'pk', encryptionKey: 'ek' })
  t.same(await alice.next(), { type: 'presence', action: 'join', nodeId: 'b', username: 'b', publicKey: 'pk', encryptionKey: 'ek' })
  t.same(await listOf(alice, 'a', 'b'), {
    type: 'participants',
    participants: [{ nodeId: 'a', username: 'a' }, { nodeId: 'b', username: 'b', encryptionKey: 'ek' }]
  })
})

t.test('keys that are null count as absent and are never told as null', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  await join(t, app, 'b', { publicKey: null, encryptionKey: null })
  t.same(await alice.next(), { type: 'presence', action: 'join', nodeId: 'b', username: 'b', publicKey: '' })
  t.same(
    await listOf(alice, 'a', 'b'),
    { type: 'participants', participants: [{ nodeId: 'a', username: 'a' }, { nodeId: 'b', username: 'b' }] }
  )
})

t.test('empty keys are told as they are', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  await join(t, app, 'b', { publicKey: '', encryptionKey: '' })
  t.same(await alice.next(), { type: 'presence', action: 'join', nodeId: 'b', username: 'b', publicKey: '', encryptionKey: '' })
})

t.test('extra fields are tolerated and not passed on', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await connect(t, app, '/tom')
  bob.send({ type: 'register', nodeId: 'b', username: 'b', version: 2 })
  t.same(await alice.next(), { type: 'presence', action: 'join', nodeId: 'b', username: 'b', publicKey: '' })
})

const ids: Record<string, string> = {
  'of one character': 'x',
  'of 256 UTF-16 units': 'x'.repeat(256),
  'of emoji': '🦊🦊',
  'with spaces and slashes': 'a b/c?d#e',
  'that is __proto__': '__proto__',
  'that is constructor': 'constructor',
  'that is a number in a string': '0'
}
for (const [kind, id] of Object.entries(ids)) {
  t.test(`an id ${kind} can be registered and reached`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'alice')
    const odd = await join(t, app, id)
    alice.send({ type: 'signal', from: 'alice', to: id, payload: 1 })
    t.same(await odd.nextOf('signal'), { type: 'signal', from: 'alice', to: id, payload: 1 })
    odd.send({ type: 'signal', from: id, to: 'alice', payload: 2 })
    t.same(await alice.nextOf('signal'), { type: 'signal', from: id, to: 'alice', payload: 2 })
  })
}

const incomplete: Record<string, object> = {
  'without nodeId': { username: 'u' },
  'without username': { nodeId: 'n' },
  'with an empty nodeId': { nodeId: '', username: 'u' },
  'with an empty username': { nodeId: 'n', username: '' },
  'with a number as nodeId': { nodeId: 1, username: 'u' },
  'with null as username': { nodeId: 'n', username: null },
  'with a nodeId of 257 UTF-16 units': { nodeId: 'x'.repeat(257), username: 'u' },
  'with a nodeId that holds a control character': { nodeId: 'a\nb', username: 'u' },
  'with a nodeId that holds a C1 control character': { nodeId: 'a\u0085b', username: 'u' },
  'with an object as publicKey': { nodeId: 'n', username: 'u', publicKey: {} },
  'with a number as encryptionKey': { nodeId: 'n', username: 'u', encryptionKey: 1 }
}
for (const [kind, fields] of Object.entries(incomplete)) {
  t.test(`a register ${kind} is refused and announces nothing`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'a')
    const bob = await connect(t, app, '/tom')
    bob.send({ type: 'register', ...fields })
    t.same(await bob.next(), error('missing nodeId or username'))
    t.same(await newsUnregistered(bob), [], 'one error, and the socket stays open')
    alice.send({ type: 'signal', from: 'a', to: 'a', payload: 'last' })
    t.same(await alice.next(), { type: 'signal', from: 'a', to: 'a', payload: 'last' })
    await register(bob, 'b')
  })
}

t.test('the same socket registering the same id again renews what is known of it, without a leave', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b', { username: 'bob' })
  await listOf(alice, 'a', 'b')
  await register(bob, 'b', { username: 'robert', encryptionKey: 'ek' })
  t.same(
    await news(bob, ['b', 'a'], alice),
    [{ type: 'presence', action: 'join', nodeId: 'b', username: 'robert', publicKey: '', encryptionKey: 'ek' }]
  )
  const carol = await join(t, app, 'c')
  const list = await listOf(alice, 'a', 'b', 'c')
  t.same(
    new Set(list.participants as object[]),
    new Set([{ nodeId: 'a', username: 'a' }, { nodeId: 'b', username: 'robert', encryptionKey: 'ek' }, { nodeId: 'c', username: 'c' }])
  )
  t.same(
    await news(carol, ['c', 'b'], bob),
    [{ type: 'presence', action: 'join', nodeId: 'c', username: 'c', publicKey: '' }],
    'it is still reached, and heard nothing of itself'
  )
})

t.test('a register that fails leaves the earlier registration as it was', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  bob.send({ type: 'register', nodeId: 'c' })
  t.same(await bob.nextOf('error'), error('missing nodeId or username'))
  t.same(await news(alice, ['a', 'b'], bob), [])
})

t.test('an unregistered socket hears neither of nodes nor of their heartbeats nor of roles', async (t) => {
  const app = await build(t)
  const silent = await connect(t, app, '/tom')
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  alice.send({ type: 'heartbeat' })
  alice.send({ type: 'role-assign', nodeId: 'b', roles: ['relay'] })
  await bob.nextOf('role-assign')
  await bob.close()
  t.same(idsIn(await listOf(alice, 'a')), ['a'])
  t.same(await newsUnregistered(silent), [])
})
