import t from 'tap'
import { begin, build, connect } from '../helper.js'
import { join as joinPsync, news } from '../routes/psync/members.js'
import { idsIn, join as joinTom } from '../routes/tom/nodes.js'

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

t.test('during the drain a client does not hear of every leave: in tom the lists tell, in psync nothing does', async (t) => {
  const app = await build(t, { PSYNC_PEER_LEFT: 'true' })
  const [firstNode, node] = [await joinTom(t, app, 'first'), await joinTom(t, app, 'node')]
  const [firstPeer, peer, other] = [await joinPsync(t, app, 'first'), await joinPsync(t, app, 'peer'), await joinPsync(t, app, 'other')]
  t.match(await peer.next(), { type: 'peer_joined', payload: { peer: { id: 'other' } } })

  const drained = app.signalbox.connections.drain(600_000)
  t.equal((await firstNode.closed).code, 1001)
  const told: unknown[] = []
  await node.nextThat((frame) => told.push(frame.type) > 0 && idsIn(frame).join() === 'node')
  t.ok(told.every((type) => type === 'participants'), 'lists, and nothing else')
  await firstPeer.close()
  t.same(await news(other, peer, 'peer'), [])

  for (const client of [node, peer, other]) await client.close()
  await drained
  t.pass('it is over when the last one has gone, and not only after its time')
})
