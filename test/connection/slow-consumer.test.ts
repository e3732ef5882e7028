import t from 'tap'
import { build, type Client, connect } from '../helper.js'

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

t.test('what one turn says to all of a room counts: a member that does not read is cut before it is over', async (t) => {
  const app = await build(t, { MAX_BUFFERED: '65536' })
  const members = await Promise.all(Array.from({ length: 12 }, async (_, at) => {
    const client = await connect(t, app, '/drone')
    client.send({ type: 'register', id: `client${at}` })
    await client.nextOf('registered')
    return client
  }))
  const [slow] = members as [Client]
  slow.socket.pause()
  const frame = JSON.stringify({ type: 'said', text: 'x'.repeat(50_000) })
  const dropped = () => app.signalbox.connections.counters.dropped.get('slow_consumer')
  let said = 0
  // Without giving anybody the time to read: all of it is one turn.
  while (dropped() === 0 && said < 1000) {
    await app.state.relay.broadcast('drone', frame)
    said++
  }
  t.ok(dropped() > 0, `${said} frames`)
  slow.socket.resume()
  t.equal((await slow.closed).code, 4100)
})
