import t from 'tap'
import { connect, until } from '../helper.js'
import { buildInVirtualTime } from '../virtual-time.js'

const heldMs = 300_000
const stepMs = 60_000

t.test('a socket held back for 5 minutes without a break is closed with 1008, one that pauses is not', async (t) => {
  // Nobody is silent, however much time passes.
  const env = { MESSAGE_RATE: '5', MESSAGE_BURST: '1', HEARTBEAT_INTERVAL: '2000000000' }
  const { app, now, pass, passUntil } = await buildInVirtualTime(t, env)
  const { counters } = app.signalbox.connections
  const [flood, pausing] = [await connect(t, app, '/drone'), await connect(t, app, '/drone')]
  for (let frame = 0; frame < 10_000; frame++) flood.send({ type: 'ping' })
  await until(() => counters.held > 0)
  const heldAt = now()
  while (now() - heldAt < heldMs - stepMs) {
    t.equal(flood.socket.readyState, flood.socket.OPEN, `${Math.round((now() - heldAt) / 1000)} s`)
    // Three at once are one too many, and then it waits until all are answered.
    for (let frame = 0; frame < 3; frame++) pausing.send({ type: 'ping' })
    let answered = 0
    await passUntil(() => { answered += pausing.taken().length; return answered === 3 })
    await pass(stepMs)
  }
  await pass(heldMs - 1_000 - (now() - heldAt))
  t.equal(flood.socket.readyState, flood.socket.OPEN, 'to the last second')
  await passUntil(() => flood.socket.readyState === flood.socket.CLOSED, 2_000)
  t.equal((await flood.closed).code, 1008)
  t.equal(pausing.socket.readyState, pausing.socket.OPEN)
})
