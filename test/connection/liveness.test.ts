import { type AddressInfo, connect as connectTcp } from 'node:net'
import t from 'tap'
import type { WebSocket } from 'ws'
import { type Client, connect, until } from '../helper.js'
import { buildInVirtualTime } from '../virtual-time.js'

const intervalMs = 30_000

const isClosed = ({ socket }: Client) => () => socket.readyState === socket.CLOSED

t.test('the server pings every HEARTBEAT_INTERVAL, and a socket that answers stays', async (t) => {
  const { app, now, passUntil } = await buildInVirtualTime(t)
  const client = await connect(t, app, '/tom')
  let pings = 0
  client.socket.on('ping', () => pings++)
  const startedAt = now()
  await passUntil(() => pings === 4)
  const passed = now() - startedAt
  t.ok(passed >= 3.5 * intervalMs && passed < 4.1 * intervalMs, `4 pings in ${passed} ms`)
  t.equal(client.socket.readyState, client.socket.OPEN)
})

t.test('a socket silent for two intervals is closed with 4101, and its peer leaves', async (t) => {
  const { app, now, passUntil } = await buildInVirtualTime(t)
  const watcher = await connect(t, app, '/tom')
  watcher.send({ type: 'register', nodeId: 'watcher', username: 'W' })
  await watcher.nextOf('participants')
  const silent = await connect(t, app, '/tom', { autoPong: false })
  silent.send({ type: 'register', nodeId: 'silent', username: 'S' })
  await silent.nextOf('participants')
  const startedAt = now()
  await passUntil(isClosed(silent))
  t.equal((await silent.closed).code, 4101)
  const passed = now() - startedAt
  t.ok(passed >= 1.95 * intervalMs && passed < 2.1 * intervalMs, `after ${passed} ms`)
  t.match(await watcher.nextThat(({ action }) => action === 'leave'), { nodeId: 'silent' })
  t.equal(watcher.socket.readyState, watcher.socket.OPEN)
})

for (const [what, show] of [
  ['a frame', (socket: WebSocket) => socket.send('not even JSON')],
  ['a ping', (socket: WebSocket) => socket.ping()],
  ['a pong', (socket: WebSocket) => socket.pong()]
] as const) {
  t.test(`${what} counts as life`, async (t) => {
    const { app, now, passUntil } = await buildInVirtualTime(t)
    const client = await connect(t, app, '/tom', { autoPong: false })
    let pings = 0
    client.socket.on('ping', () => { if (++pings <= 4) show(client.socket) })
    await passUntil(() => pings === 4)
    t.equal(client.socket.readyState, client.socket.OPEN)
    const startedAt = now()
    await passUntil(isClosed(client))
    t.equal((await client.closed).code, 4101, 'and without it the socket ends')
    const passed = now() - startedAt
    t.ok(passed >= 1.9 * intervalMs && passed < 2.1 * intervalMs, `after ${passed} ms`)
  })
}

t.test('a socket that has not chosen a dialect yet must live too', async (t) => {
  const { app, passUntil } = await buildInVirtualTime(t)
  const client = await connect(t, app, '/', { autoPong: false })
  await passUntil(isClosed(client), 2.1 * intervalMs)
  t.equal((await client.closed).code, 4101)
})

t.test('a socket that does not answer the close is cut', async (t) => {
  const { app, passUntil } = await buildInVirtualTime(t)
  const { port } = app.server.address() as AddressInfo
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  t.teardown(() => socket.destroy())
  const ended = new Promise((resolve) => socket.on('close', resolve))
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('end', () => socket.destroy())
  socket.write(
    'GET /tom HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
    'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
  )
  await until(() => app.signalbox.connections.size === 1)
  const { closed } = app.signalbox.connections.counters
  await passUntil(() => closed.get('4101') === 1, 2.1 * intervalMs)
  await ended
  t.ok(Buffer.concat(chunks).includes(Buffer.from([0x10, 0x05])), 'it was told 4101')
  await until(() => app.signalbox.connections.size === 0)
  t.equal(closed.get('4101'), 1)
})
