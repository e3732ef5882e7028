import { once } from 'node:events'
import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import {
  type Config, type Connection, createService, type Dialect, readConfig, signalbox, type SignalboxOptions, tom, Type
} from '../src/index.js'
import { connect, refusal, urlOf } from './helper.js'

/** Somebody's own app, before they register anything. */
function own (t: Test): FastifyInstance {
  const app = fastify()
  t.teardown(async () => await app.close())
  return app
}

async function start (app: FastifyInstance): Promise<FastifyInstance> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

const register = { type: 'register', nodeId: 'a', username: 'A' }
const participants = { type: 'participants', participants: [{ nodeId: 'a', username: 'A' }] }

/** One client registers as a tom node at a path and hears of itself. */
async function speaksTom (t: Test, app: FastifyInstance, path: string): Promise<void> {
  const node = await connect(t, app, path)
  node.send(register)
  t.same(await node.next(), participants, path)
  await node.close()
}

const sayings = { say: Type.Object({ type: Type.Literal('say'), text: Type.String() }) }

/** A dialect of somebody else. */
const shout: Dialect<typeof sayings, Connection> = {
  name: 'shout',
  frames: sayings,
  handlers: { say: (connection, { text }) => { connection.deliver(JSON.stringify({ said: text.toUpperCase() })) } },
  errors: {
    frame: (error) => JSON.stringify({ error }),
    notJson: 'not JSON',
    unknownType: () => 'unknown',
    malformed: (type) => `malformed ${type}`,
    internal: 'internal'
  },
  open: (connection) => connection,
  close () {}
}

const statusOf = async (app: FastifyInstance, path: string) => (await fetch(urlOf(app) + path)).status

t.test('it works beside the routes of somebody’s own app, which stay as they were', async (t) => {
  const app = own(t)
  app.get('/mine', async () => ({ mine: true }))
  app.get('/broken', async () => { throw new Error('theirs') })
  const config = { ALLOWED_ORIGINS: ['https://ours.example'], CONNECT_RATE: 1 }
  await app.register(signalbox, { config })
  app.get('/later', async () => ({ later: true }))
  await start(app)
  await speaksTom(t, app, '/tom')

  const headers = { origin: 'https://theirs.example' }
  for (const path of ['/mine', '/later', '/mine']) {
    const answer = await fetch(urlOf(app) + path, { headers })
    t.equal(answer.status, 200, `neither our origins nor our rates count at ${path}`)
    t.notOk(answer.headers.has('access-control-allow-origin'), 'and there are no CORS headers')
  }
  const preflight = await fetch(`${urlOf(app)}/mine`, {
    method: 'OPTIONS',
    headers: { ...headers, 'access-control-request-method': 'GET' }
  })
  t.equal(preflight.status, 404, 'a preflight is not answered for them')
  t.same(await (await fetch(`${urlOf(app)}/broken`)).json(), { statusCode: 500, error: 'Internal Server Error', message: 'theirs' })
  t.same(
    await (await fetch(`${urlOf(app)}/nowhere`)).json(),
    { statusCode: 404, error: 'Not Found', message: 'Route GET:/nowhere not found' }
  )
  t.equal((await refusal(t, app, '/tom', { origin: 'https://theirs.example' })).status, 403, 'while ours are guarded')
})

t.test('at a prefix every path begins there', async (t) => {
  const app = own(t)
  app.get('/', async () => 'mine')
  await app.register(signalbox, { prefix: '/signal', config: { NATIVE_PORTS: ['tom:0'], HOST: '127.0.0.1' } })
  await start(app)

  for (const path of ['/signal/tom', '/signal', '/signal/']) await speaksTom(t, app, path)
  const psync = await connect(t, app, '/signal/ws')
  psync.send({ type: 'register', payload: { peer_id: 'p', group_id: 'g' } })
  t.same(await psync.next(), { type: 'peer_list', payload: { peers: [] } })
  const peerjs = await connect(t, app, '/signal/peerjs?key=peerjs&id=p&token=t')
  t.same(await peerjs.next(), { type: 'OPEN' })

  for (const path of ['/signal', '/signal/health', '/signal/ready', '/signal/tom/health', '/signal/peerjs/id']) {
    t.equal(await statusOf(app, path), 200, path)
  }
  for (const path of ['/tom/health', '/health', '/peerjs/id']) t.equal(await statusOf(app, path), 404, path)
  t.equal(await (await fetch(urlOf(app))).text(), 'mine')
  const node = await connect(t, app.nativePorts[0] ?? 0, '/')
  node.send(register)
  t.same(await node.next(), participants, 'the native listener leads to the prefix')
})

t.test('it uses the @fastify/websocket that an app has registered, and leaves its sockets alone', async (t) => {
  const app = own(t)
  await app.register(websocket)
  app.get('/echo', { websocket: true }, (socket) => { socket.on('message', (data) => socket.send(data.toString())) })
  await app.register(signalbox, { config: { MAX_PAYLOAD: 1024 } })
  await start(app)

  await speaksTom(t, app, '/tom')
  const echo = await connect(t, app, '/echo', { origin: 'https://theirs.example' })
  const large = { text: 'x'.repeat(2000) }
  echo.send(large)
  t.same(await echo.next(), large, 'our limits are not theirs')
  const node = await connect(t, app, '/tom')
  node.send({ ...register, username: 'x'.repeat(2000) })
  t.equal((await node.closed).code, 1009, 'and ours hold for us')
})

t.test('over an app’s own @fastify/websocket, a dialect’s subprotocols are chosen for it, and the app chooses its own', async (t) => {
  const app = own(t)
  await app.register(websocket, { options: { handleProtocols: (offered: Set<string>) => offered.has('theirs') && 'theirs' } })
  app.get('/theirs', { websocket: true }, () => {})
  await app.register(signalbox)
  app.route({ url: '/shout', ...app.speak({ ...shout, protocols: ['shout.v1'] }) })
  await start(app)

  for (const [path, protocol] of [['/shout', 'shout.v1'], ['/theirs', 'theirs'], ['/tom', 'theirs']] as const) {
    const socket = new WebSocket(urlOf(app).replace('http', 'ws') + path, ['shout.v1', 'theirs'])
    t.teardown(() => socket.terminate())
    await once(socket, 'open')
    t.equal(socket.protocol, protocol, path)
  }
})

t.test('a name has one dialect', async (t) => {
  const app = own(t)
  await app.register(signalbox)
  t.throws(() => app.speak({ ...shout, name: 'tom' }), new TypeError('There is a dialect named tom already'))
})

t.test('when an app closes, its clients are told that the server goes away', async (t) => {
  const app = own(t)
  await app.register(signalbox)
  await start(app)
  const node = await connect(t, app, '/tom')
  await app.close()
  t.equal((await node.closed).code, 1001)
})

t.test('over an app’s own @fastify/websocket they are told by a drain before it closes', async (t) => {
  const app = own(t)
  await app.register(websocket)
  await app.register(signalbox)
  await start(app)
  const node = await connect(t, app, '/tom')
  await app.signalbox.connections.drain(0)
  t.equal((await node.closed).code, 1001)
  await app.close()
})

t.test('browsers of other origins reach what is below the prefix', async (t) => {
  const app = own(t)
  app.get('/mine', async () => 'mine')
  await app.register(signalbox, { prefix: '/signal' })
  await start(app)
  const headers = { origin: 'https://page.example' }
  const answer = await fetch(`${urlOf(app)}/signal/tom/id`, { headers })
  t.equal(answer.headers.get('access-control-allow-origin'), 'https://page.example')
  t.notOk((await fetch(`${urlOf(app)}/mine`, { headers })).headers.has('access-control-allow-origin'), 'and nothing else')
})

t.test('an app with plugins and decorators of its own keeps them', async (t) => {
  const app = own(t)
  const config = { port: 'mine' }
  app.decorate('config', config)
  await app.register(cors, { origin: 'https://theirs.example' })
  await app.register(swagger)
  await app.register(rateLimit, { max: 1000 })
  await app.register(signalbox, { prefix: '/signal' })
  app.get('/mine', async () => 'mine')
  await start(app)

  await speaksTom(t, app, '/signal/tom')
  t.equal(app.getDecorator('config'), config)
  t.equal((await fetch(`${urlOf(app)}/mine`)).headers.get('access-control-allow-origin'), 'https://theirs.example')
  t.ok(app.swagger().paths?.['/signal/tom/health'], 'their document holds our routes')
})

t.test('dialects can be registered one by one', async (t) => {
  const app = own(t)
  await app.register(signalbox, { config: { DIALECTS: [] } })
  await app.register(tom.plugin, { prefix: '/chat' })
  await start(app)

  await speaksTom(t, app, '/chat')
  await speaksTom(t, app, '/')
  t.equal(await statusOf(app, '/chat/health'), 200)
  for (const path of ['/tom', '/rooms', '/ws', '/drone', '/peerjs?key=peerjs&id=p&token=t']) {
    t.equal((await refusal(t, app, path)).status, 404, `nothing else is spoken: ${path}`)
  }
})

t.test('a third-party dialect can be registered after it', async (t) => {
  const app = own(t)
  await app.register(signalbox)
  await app.register(async (app) => { app.route({ url: '/', ...app.speak(shout) }) }, { prefix: '/shout' })
  await start(app)

  await speaksTom(t, app, '/tom')
  const client = await connect(t, app, '/shout')
  client.send({ type: 'say', text: 'hey' })
  t.same(await client.next(), { said: 'HEY' })
  client.send({ type: 'say' })
  t.same(await client.next(), { error: 'malformed say' })
})

t.test('a bad setting rejects and names the setting', async (t) => {
  const bad: Array<[SignalboxOptions['config'], RegExp]> = [
    [{ MAX_PAYLOAD: 1 }, /^MAX_PAYLOAD: invalid value 1, expected an integer from 1024/],
    [{ ID_TAKEOVER: 'maybe' as 'reject' }, /^ID_TAKEOVER: invalid value "maybe", expected one of replace, reject/],
    [{ MAX_PAYLAOD: 1 } as Partial<Config>, /^MAX_PAYLAOD: unknown setting/]
  ]
  for (const [config = {}, message] of bad) {
    await t.rejects(async () => await own(t).register(signalbox, { config }), { name: 'ConfigError', message })
  }
})

t.test('a plugin that cannot be loaded stops the start with a message that names it', async (t) => {
  const dir = t.testdir({
    'number.js': 'export default 1\n',
    'prefix.js': 'export default async function () {}\nexport const autoPrefix = 1\n',
    'throws.js': 'throw new Error("broken inside")\n'
  })
  const bad: Array<[name: string, message: RegExp]> = [
    ['./no-such-plugin.js', /^PLUGINS: cannot load ".\/no-such-plugin.js": /],
    ['no-such-package', /^PLUGINS: cannot load "no-such-package": /],
    [`${dir}/number.js`, /^PLUGINS: ".*number.js" must export a Fastify plugin as its default/],
    [`${dir}/prefix.js`, /^PLUGINS: the autoPrefix of ".*prefix.js" must be text/],
    [`${dir}/throws.js`, /^PLUGINS: cannot load ".*throws.js": broken inside/]
  ]
  for (const [name, message] of bad) {
    const app = createService(readConfig({ PLUGINS: name, LOG_LEVEL: 'silent' }, []))
    t.teardown(async () => await app.close())
    await t.rejects(async () => await app.ready(), { message }, name)
  }
})
