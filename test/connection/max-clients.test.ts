import t from 'tap'
import { begin, build, connect, until } from '../helper.js'

t.test('past MAX_CLIENTS a socket is opened and closed with 1013, and there is room again when one has left', async (t) => {
  const app = await build(t, { MAX_CLIENTS: '2' })
  const first = await connect(t, app, '/tom')
  const second = await connect(t, app, '/drone')
  for (const path of ['/tom', '/', '/peerjs?key=peerjs&id=a&token=b']) {
    const refused = begin(t, app, path)
    let isOpened = false
    refused.socket.on('open', () => { isOpened = true })
    t.equal((await refused.closed).code, 1013)
    t.ok(isOpened)
    t.same(refused.taken(), [])
  }
  second.send({ type: 'ping' })
  t.match(await second.next(), { type: 'pong' }, 'those inside feel nothing')
  await first.close()
  await until(() => app.signalbox.connections.size === 1)
  const third = await connect(t, app, '/drone')
  third.send({ type: 'ping' })
  t.match(await third.next(), { type: 'pong' })
})
