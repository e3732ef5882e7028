import t from 'tap'
import { build, type Client, connect, totals } from '../helper.js'
import { buildInVirtualTime } from '../virtual-time.js'

const title = 'the sender of what a client does not read is told, others feel nothing, ' +
  'and the client is closed with 4100 when it has read nothing for 5 s'

t.test(title, async (t) => {
  const { app, now, passUntil } = await buildInVirtualTime(t, { MAX_BUFFERED: '65536', MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' })
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
  t.same((await neighbour.nextOf('clients')).clients, ['slow', 'sender'], 'its peer is still there')
  neighbour.send({ type: 'offer', target: 'slow', sdp: 'small' })
  neighbour.send({ type: 'ping' })
  t.match(await neighbour.next(), { type: 'pong' }, 'what fills its buffer is only the share of its sender')
  const startedAt = now()
  await passUntil(() => totals(app).closed(4100) === 1, 10_000)
  t.ok(now() - startedAt > 3000, 'not at once')
  t.match(await neighbour.nextOf('client_list_update'), { clients: ['sender', 'neighbour'] })

  slow.socket.resume()
  let last = ''
  slow.socket.on('message', (data) => { last = String(data) })
  t.equal((await slow.closed).code, 4100)
  t.match(JSON.parse(last), { type: 'offer', from: 'neighbour', sdp: 'small' })
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
  const receiver = [...app.signalbox.connections].find(({ members: [member] }) => member?.id === 'client0')
  let wasBehind = false
  let said = 0
  // Without giving anybody the time to read: all of it is one turn.
  for (; !wasBehind || receiver?.isBehind === true; said++) {
    await app.state.relay.broadcast('drone', frame)
    wasBehind ||= receiver?.isBehind === true
    if (said > 1000) throw new Error('never cut')
  }
  t.ok(app.signalbox.connections.counters.dropped.get('slow_consumer') > 0, `${said} frames`)
  slow.socket.resume()
  t.equal((await slow.closed).code, 4100)
})
