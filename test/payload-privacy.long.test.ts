import t from 'tap'
import { urlOf } from './helper.js'
import { start } from './process.js'
import { enterBoth } from '../src/testing/actors.js'
import { builtIn } from './routes/dialects.js'

t.test('what clients tell each other is in no log and no metric, well-formed or not', async (t) => {
  const marker = 'only for bob'
  const { port, child, output, exited } = await start(t, { LOG_LEVEL: 'trace' })
  for (const subject of builtIn) {
    const [alice, bob] = await enterBoth(t, port, subject)
    alice.signal(bob.id, { sdp: marker })
    t.same((await bob.hears()).load, { sdp: marker })
    const frames = [
      marker,
      { type: marker },
      { type: 'register', id: marker.repeat(30) },
      subject.signal(alice.id, 'nobody', { sdp: marker }),
      `{"type":"offer","sdp":"${marker}`
    ]
    for (const frame of frames) alice.send(frame)
    await alice.settle()
    alice.send({ type: marker.repeat(100_000) })
    t.equal((await alice.client.closed).code, 1009)
  }
  const metrics = await (await fetch(`${urlOf(port)}/metrics`)).text()
  t.match(metrics, 'signalbox_connections')
  t.notMatch(metrics, marker)
  child.kill('SIGTERM')
  await exited
  t.match(output.stdout, '"level":20', 'the log tells all that it can')
  t.notMatch(output.stdout + output.stderr, marker)
})
