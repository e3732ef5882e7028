import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { build, connect } from '../helper.js'

t.test('a socket held back for 30 s without a break is closed with 1008, one that pauses is not', async (t) => {
  const app = await build(t, { MESSAGE_RATE: '5', MESSAGE_BURST: '1' })
  const [flood, pausing] = [await connect(t, app, '/drone'), await connect(t, app, '/drone')]
  const startedAt = performance.now()
  for (let frame = 0; frame < 1000; frame++) flood.send({ type: 'ping' })

  const over = new AbortController()
  async function pauseNowAndThen () {
    while (!over.signal.aborted) {
      for (let frame = 0; frame < 10; frame++) pausing.send({ type: 'ping' })
      for (let frame = 0; frame < 10; frame++) await pausing.nextOf('pong')
      // Longer than what counts as a break.
      await delay(1000)
    }
  }
  const pauses = pauseNowAndThen()

  t.equal((await flood.closed).code, 1008)
  const heldMs = performance.now() - startedAt
  t.ok(heldMs >= 30_000 && heldMs < 40_000, `after ${heldMs} ms`)
  t.ok(flood.taken().length >= 100, 'until then its frames were handled')
  over.abort()
  await pauses
  t.equal(pausing.socket.readyState, pausing.socket.OPEN)
})
