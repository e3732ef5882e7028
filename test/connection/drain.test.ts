import t from 'tap'
import { begin, build, connect } from '../helper.js'

t.test('a handshake that was let in just before the drain is closed with 1001', async (t) => {
  const app = await build(t)
  const patient = await connect(t, app, '/tom')
  // The upgrade goes on after the drain has looked at who is there.
  let drained: Promise<void> | undefined
  app.websocketServer.prependOnceListener('connection', () => { drained = app.signalbox.connections.drain(0) })
  const late = begin(t, app, '/tom')
  t.equal((await late.closed).code, 1001)
  t.equal((await patient.closed).code, 1001)
  await drained
  t.equal(app.signalbox.connections.size, 0)
})

t.test('an app that closes does not wait for clients that do not answer, nor drop those that do without a code', async (t) => {
  const app = await build(t)
  const [answering, mute] = [await connect(t, app, '/tom'), await connect(t, app, '/tom')]
  mute.socket.pause()
  const startedAt = performance.now()
  await app.close()
  t.ok(performance.now() - startedAt < 5000)
  t.equal((await answering.closed).code, 1001)
})
