import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { signalbox, type SignalboxOptions } from '../../src/app.js'
import { connect, refusal, until } from '../helper.js'
import { SkippingClock } from '../virtual-time.js'

/** Fastify with Signalbox on a server of the test's own, with what else listens for its upgrades. */
async function share (t: Test, options: SignalboxOptions, prepare = async (_app: FastifyInstance) => {}): Promise<FastifyInstance> {
  const app = fastify({ serverFactory: (handler) => createServer(handler), forceCloseConnections: true })
  t.teardown(async () => await app.close())
  await app.register(signalbox, options)
  await prepare(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

/** Has a socket server of somebody else answer the upgrades of a path. */
function serveBeside (t: Test, app: FastifyInstance, path: string, options: ServerOptions = {}): void {
  const theirs = new WebSocketServer({ noServer: true, ...options })
  t.teardown(() => { for (const socket of theirs.clients) socket.terminate() })
  theirs.on('connection', (socket) => socket.send('{"theirs":true}'))
  app.server.on('upgrade', (request, socket, head) => {
    if (request.url === path) theirs.handleUpgrade(request, socket, head, (client) => theirs.emit('connection', client, request))
  })
}

async function speaksTom (t: Test, app: FastifyInstance, path: string): Promise<void> {
  const node = await connect(t, app, path)
  node.send({ type: 'register', nodeId: 'a', username: 'A' })
  t.same(await node.next(), { type: 'participants', participants: [{ nodeId: 'a', username: 'A' }] }, path)
  await node.close()
}

t.test('a prefix is whole segments of a path: what only begins like it is somebody else’s', async (t) => {
  const theirs = ['/signalboxes', '/signal-other/tom', '/', '/tom', '/signalboxes?/signal/tom']
  const app = await share(t, { prefix: '/signal' }, async (app) => { for (const path of theirs) serveBeside(t, app, path) })
  for (const path of theirs) t.same(await (await connect(t, app, path)).next(), { theirs: true }, path)
  for (const path of ['/signal', '/signal/', '/signal/tom', '/signal/tom/', '/signal/tom?a=/b']) await speaksTom(t, app, path)
  t.equal((await refusal(t, app, '/signal/nowhere')).status, 404, 'nobody else is waited for below the prefix')
})

t.test('without a prefix the paths of dialects, and WebSocket routes of the app, are ours, and others somebody else’s', async (t) => {
  const app = await share(t, {}, async (app) => {
    app.get('/rooms-of/:name/*', { websocket: true }, (socket) => { socket.send('{"own":true}') })
    serveBeside(t, app, '/theirs')
  })
  for (const path of ['/', '/tom', '/tom/']) await speaksTom(t, app, path)
  t.same(await (await connect(t, app, '/peerjs?key=peerjs&id=alice&token=1')).next(), { type: 'OPEN' })
  t.same(await (await connect(t, app, '/rooms-of/alice/a/b')).next(), { own: true })
  t.same(await (await connect(t, app, '/theirs')).next(), { theirs: true })
})

t.test('where nobody else listens, an upgrade outside of the prefix is answered with 404', async (t) => {
  const app = await share(t, { prefix: '/signal' })
  for (const path of ['/', '/tom', '/signalboxes']) t.equal((await refusal(t, app, path)).status, 404, path)
})

/** Asks for an upgrade, and waits for no answer. */
async function ask (t: Test, app: FastifyInstance, path: string): Promise<Socket> {
  const socket = connectTcp((app.server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  const upgraded = once(app.server, 'upgrade')
  socket.on('error', () => {}).resume().write([
    `GET ${path} HTTP/1.1`, 'host: a', 'connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13',
    'sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==', '', ''
  ].join('\r\n'))
  await upgraded
  return socket
}

t.test('an upgrade that nobody takes is cut after 10 s, and one that somebody took stays', async (t) => {
  const clock = new SkippingClock()
  const options = { prefix: '/signal', clock }
  const app = await share(t, options, async (app) => serveBeside(t, app, '/theirs'))
  const theirs = await connect(t, app, '/theirs')
  const asked = await ask(t, app, '/nowhere')
  clock.skip(app.signalbox.timers, 9_000)
  t.notOk(asked.closed)
  clock.skip(app.signalbox.timers, 2_000)
  await until(() => asked.closed)
  t.equal(theirs.socket.readyState, WebSocket.OPEN)
})

t.test('those that somebody took outlive Signalbox’s own', async (t) => {
  const app = await share(t, { prefix: '/signal' }, async (app) => serveBeside(t, app, '/theirs'))
  const [ours, theirs] = [await connect(t, app, '/signal/tom'), await connect(t, app, '/theirs')]
  await app.signalbox.connections.drain(0)
  t.equal((await ours.closed).code, 1001)
  t.equal(theirs.socket.readyState, WebSocket.OPEN)
})
