import { performance } from 'node:perf_hooks'
import t from 'tap'
import { build, connect, until } from '../helper.js'

const heldMs = 300_000
const stepMs = 60_000

t.test('a socket held back for 5 minutes without a break is closed with 1008, one that pauses is not', async (t) => {
  // Nobody is silent, whatever the clock says.
  const app = await build(t, { MESSAGE_RATE: '5', MESSAGE_BURST: '1', HEARTBEAT_INTERVAL: '2000000000' })
  const clock = t.intercept(performance, 'now', { value: performance.now, writable: true, configurable: true })
  t.teardown(() => clock.restore())
  const real = performance.now.bind(performance)
  let ahead = 0
  performance.now = () => real() + ahead

  const [flood, pausing] = [await connect(t, app, '/drone'), await connect(t, app, '/drone')]
  for (let frame = 0; frame < 10_000; frame++) flood.send({ type: 'ping' })
  const { held } = app.signalbox.connections.counters
  await until(() => app.signalbox.connections.counters.held > held + 1)
  for (let passed = 0; passed < heldMs; passed += stepMs) {
    t.equal(flood.socket.readyState, flood.socket.OPEN, `${passed / 1000} s`)
    // Three at once are one too many, and then it waits until all are answered.
    for (let frame = 0; frame < 3; frame++) pausing.send({ type: 'ping' })
    for (let frame = 0; frame < 3; frame++) await pausing.nextOf('pong')
    const before = app.signalbox.connections.counters.held
    await until(() => app.signalbox.connections.counters.held > before)
    ahead += stepMs
  }
  t.equal((await flood.closed).code, 1008)
  t.equal(pausing.socket.readyState, pausing.socket.OPEN)
})
