import { once } from 'node:events'
import t from 'tap'
import { buildOnly } from '../../helper.js'
import { join, news } from './clients.js'

const build = buildOnly('drone')

const env = { HEARTBEAT_INTERVAL: '1000' }

t.test('a client silent for two intervals is closed with 4101, and leaves', async (t) => {
  const app = await build(t, env)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b', '/drone', { autoPong: false })
  t.match(await bob.closed, { code: 4101 })
  t.match(await alice.next(), { type: 'client_list_update', clients: ['a'], count: 1 })
})

t.test('a client that only pings, in frames of its own, stays', async (t) => {
  const app = await build(t, env)
  const bob = await join(t, app, 'b', '/drone', { autoPong: false })
  for (let pings = 0; pings < 4; pings++) {
    await once(bob.socket, 'ping')
    bob.send({ type: 'ping' })
    await bob.nextOf('pong')
  }
  t.same(await news(bob, bob, 'b'), [])
})
