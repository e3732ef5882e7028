import t from 'tap'
import { build, connect } from '../helper.js'

t.test('a socket that does not read is closed with 4100, its sender is told, and others feel nothing', async (t) => {
  const app = await build(t, { MAX_BUFFERED: '65536', MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' })
  const [slow, sender, neighbour] = [await connect(t, app, '/drone'), await connect(t, app, '/drone'), await connect(t, app, '/drone')]
  for (const [id, client] of Object.entries({ slow, sender, neighbour })) {
    client.send({ type: 'register', id })
    await client.nextOf('registered')
  }
  slow.socket.pause()
  const sdp = 'x'.repeat(200_000)
  let refused
  // As much as the kernel's buffers take, and then our own.
  for (let sent = 0; refused === undefined && sent < 1000; sent++) {
    sender.send({ type: 'offer', target: 'slow', sdp })
    sender.send({ type: 'ping' })
    const answer = await sender.nextThat(({ type }) => type === 'error' || type === 'pong')
    if (answer.type === 'error') refused = answer
  }
  t.match(refused, { message: 'Target client not found', details: 'slow' })

  sender.send({ type: 'offer', target: 'neighbour', sdp })
  t.match(await neighbour.nextOf('offer'), { from: 'sender' })
  neighbour.send({ type: 'list' })
  t.same((await neighbour.nextOf('clients')).clients, ['sender'], 'its peer has left')

  slow.socket.resume()
  t.equal((await slow.closed).code, 4100)
  t.equal(app.signalbox.connections.counters.closed.get('4100'), 1, 'and it is counted')
})
