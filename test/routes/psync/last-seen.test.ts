import { once } from 'node:events'
import t, { type Test } from 'tap'
import { buildOnly, type Client, connect, until } from '../../helper.js'
import { answers, join, register } from './members.js'

const build = buildOnly('psync')

/** Longer than any hitch, shorter than the time between two pings. In ms. */
const clearlyLaterMs = 500

/** Alice, pinged every second, and Bob, who reads in his list when she was last seen. */
async function setUp (t: Test, options: { autoPong: boolean }): Promise<{ alice: Client, seenAt: () => Promise<number> }> {
  const app = await build(t, { HEARTBEAT_INTERVAL: '1000' })
  const alice = await join(t, app, 'a', { options })
  const bob = await join(t, app, 'b')
  return {
    alice,
    async seenAt () {
      const [peer] = await register(bob, 'b')
      return Date.parse(String(peer?.last_seen))
    }
  }
}

t.test('a heartbeat refreshes last_seen, and has no reply', async (t) => {
  const { alice, seenAt } = await setUp(t, { autoPong: false })
  const first = await seenAt()
  await once(alice.socket, 'ping')
  alice.send({ type: 'heartbeat', source_id: 'a', payload: { timestamp: 1703987654 } })
  await until(async () => await seenAt() - first > clearlyLaterMs)
  t.notOk((await answers(alice)).find(({ type }) => type !== 'peer_joined'))
})

t.test('a heartbeat needs neither source_id nor payload', async (t) => {
  const { alice, seenAt } = await setUp(t, { autoPong: false })
  const first = await seenAt()
  await once(alice.socket, 'ping')
  alice.send({ type: 'heartbeat' })
  await until(async () => await seenAt() - first > clearlyLaterMs)
  t.notOk((await answers(alice)).find(({ type }) => type !== 'peer_joined'))
})

t.test('any other frame refreshes last_seen', async (t) => {
  const { alice, seenAt } = await setUp(t, { autoPong: false })
  const first = await seenAt()
  await once(alice.socket, 'ping')
  alice.send({ type: 'candidate', target_id: 'b', payload: {} })
  await until(async () => await seenAt() - first > clearlyLaterMs)
  t.pass()
})

t.test('a pong refreshes last_seen', async (t) => {
  const { alice, seenAt } = await setUp(t, { autoPong: true })
  const first = await seenAt()
  await once(alice.socket, 'ping')
  await until(async () => await seenAt() - first > clearlyLaterMs)
  t.pass()
})

t.test('silence does not', async (t) => {
  const { alice, seenAt } = await setUp(t, { autoPong: false })
  const first = await seenAt()
  await once(alice.socket, 'ping')
  t.ok(await seenAt() - first < clearlyLaterMs)
})

t.test('a heartbeat before register is ignored', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/psync/ws')
  alice.send({ type: 'heartbeat', source_id: 'a', payload: {} })
  t.same(await answers(alice), [])
  t.same(await register(alice, 'a'), [])
})
