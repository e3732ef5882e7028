import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { join, register, timeless } from './clients.js'

const build = buildOnly('drone')

t.test('list answers the ids of the others and their number', async (t) => {
  const app = await build(t)
  const clients = []
  for (const id of ['drone-1', 'camera-2', 'operator-3']) clients.push(await join(t, app, id))
  const [first] = clients
  first?.send({ type: 'list' })
  t.strictSame(await first?.next(), { type: 'clients', clients: ['camera-2', 'operator-3'], count: 2 })
})

t.test('list works before registering, and alone', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/drone')
  alice.send({ type: 'list' })
  t.strictSame(await alice.next(), { type: 'clients', clients: [], count: 0 })
  await join(t, app, 'b')
  alice.send({ type: 'list' })
  t.strictSame(await alice.next(), { type: 'clients', clients: ['b'], count: 1 })
  await register(alice, 'a')
  alice.send({ type: 'list' })
  t.strictSame(await alice.next(), { type: 'clients', clients: ['b'], count: 1 })
})

t.test('ping answers the time, before and after registering', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/drone')
  alice.send({ type: 'ping' })
  t.strictSame(timeless(await alice.next()), { type: 'pong' })
  await register(alice, 'a')
  alice.send({ type: 'ping' })
  t.strictSame(timeless(await alice.next()), { type: 'pong' })
})
