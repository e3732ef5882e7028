import type { FastifyPluginAsync } from 'fastify'
import t, { type Test } from 'tap'
import { type Connection, type Dialect, Frame, Type } from '../../src/index.js'
import { connect } from '../helper.js'
import { buildInVirtualTime, StandingClock } from '../virtual-time.js'
import { errors, open } from './speaking.js'

const frames = {
  after: Type.Object({ type: Type.Literal('after'), ms: Type.Number(), fails: Type.Optional(Type.String()) }),
  every: Type.Object({ type: Type.Literal('every'), ms: Type.Number(), times: Type.Integer() }),
  cancelled: Type.Object({ type: Type.Literal('cancelled'), ms: Type.Number() }),
  pong: Type.Object({ type: Type.Literal('pong') })
}

const say = (connection: Connection, type: string) => connection.deliver(JSON.stringify({ type }))

const timed: Dialect<typeof frames, Connection> = {
  name: 'timed',
  frames,
  handlers: {
    after (connection, { ms, fails }) {
      connection.after(ms, () => {
        say(connection, 'after')
        if (fails === 'throws') throw new Error('thrown')
        return fails === 'rejects' ? Promise.reject(new Error('rejected')) : undefined
      })
    },
    every (connection, { ms, times }) {
      let count = 0
      const cancel = connection.every(ms, () => {
        say(connection, 'every')
        if (++count === times) cancel()
        if (count === 1) throw new Error('thrown')
      })
    },
    cancelled (connection, { ms }) {
      connection.after(ms, () => say(connection, 'cancelled'))()
      connection.every(ms, () => say(connection, 'cancelled'))()
    },
    pong () {}
  },
  errors,
  open
}

async function connected (t: Test, dialect: typeof timed = timed) {
  const route: FastifyPluginAsync = async (app) => { app.route({ url: '/timed', ...app.speak(dialect) }) }
  const time = await buildInVirtualTime(t, {}, 50, route, new StandingClock())
  const idle = time.app.signalbox.timers.size
  return { ...time, idle, client: await connect(t, time.app, '/timed') }
}

t.test('a timer runs once, and one that fails leaves the connection', async (t) => {
  const { client, pass } = await connected(t)
  for (const fails of ['throws', 'rejects', 'never']) client.send({ type: 'after', ms: 1000, fails })
  await pass(950)
  t.same(client.taken(), [])
  await pass(10_000)
  t.same(client.taken(), Array(3).fill({ type: 'after' }))
  t.equal(client.socket.readyState, client.socket.OPEN)
})

t.test('a timer runs again and again until it is cancelled, whatever it throws', async (t) => {
  const { client, pass } = await connected(t)
  client.send({ type: 'every', ms: 1000, times: 3 })
  await pass(2500)
  t.equal(client.taken().length, 2)
  await pass(10_000)
  t.same(client.taken(), [{ type: 'every' }])
})

t.test('a timer that is cancelled does not run', async (t) => {
  const { client, pass } = await connected(t)
  client.send({ type: 'cancelled', ms: 1000 })
  await pass(5000)
  t.same(client.taken(), [])
})

t.test('a timer cannot run after a negative or infinite time', async (t) => {
  const { client } = await connected(t)
  client.send({ type: 'after', ms: -1 })
  t.same(await client.next(), { error: 'internal error' })
  client.send('{"type":"after","ms":1e999}')
  t.match(await client.next(), { error: /.+/ })
})

t.test('no timer outlives its connection, nor begins after it', async (t) => {
  const leaving: typeof timed = {
    ...timed,
    close (connection) {
      connection.after(1000, () => {})
      connection.every(1000, () => {})
    }
  }
  const { app: { signalbox: { connections, timers } }, client, idle, passUntil } = await connected(t, leaving)
  for (let count = 0; count < 10; count++) client.send({ type: 'every', ms: 1000, times: 99 })
  client.send({ type: 'after', ms: 60_000 })
  await passUntil(() => timers.size >= idle + 11)
  await client.close()
  await passUntil(() => connections.size === 0)
  // The gate looks at its TCP connections for a moment longer.
  await passUntil(() => timers.size === idle, 20_000)
})

const pinging: typeof timed = {
  ...timed,
  ping: { frame: new Frame('ping', '{"type":"ping"}'), everyMs: 5000 },
  liveness: { maxFrameGapMs: 12_000 }
}

t.test('a dialect has the server ping with a frame, and a client that answers stays', async (t) => {
  const { app, client, pass } = await connected(t, pinging)
  client.socket.on('message', () => client.send({ type: 'pong' }))
  await pass(4900)
  t.same(client.taken(), [], 'not before the time')
  await pass(60_000)
  const { length } = client.taken()
  t.ok(length >= 11 && length <= 13, `${length} pings`)
  t.equal(client.socket.readyState, client.socket.OPEN)
  t.equal(app.signalbox.dialects.get('timed')?.traffic.sent.get('ping'), length)
})

t.test('a client that does not answer the pings is closed with 4101, and is pinged no more', async (t) => {
  const { app: { signalbox: { connections, timers } }, client, idle, now, passUntil } = await connected(t, pinging)
  const startedAt = now()
  await passUntil(() => client.socket.readyState === client.socket.CLOSED)
  t.equal((await client.closed).code, 4101)
  const passed = now() - startedAt
  t.ok(passed >= 11_900 && passed < 13_000, `after ${passed} ms`)
  await passUntil(() => connections.size === 0 && timers.size === idle, 20_000)
})
