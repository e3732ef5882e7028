import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/app.js'
import { readConfig } from '../../src/settings.js'
import type { RefusalReason } from '../../src/telemetry/audit.js'
import { defaultTimeouts } from '../../src/listener/timeouts.js'
import { createService } from '../../src/service.js'
import { withSecret } from '../auth/tokens.js'
import { connect, type Env, until } from '../helper.js'

const secret = 'hunter2hunter2hunter2'
const long = 'x'.repeat(300)

interface Request {
  readonly method?: string
  readonly path: string
  readonly headers?: Record<string, string>
  /** Left out where the client never ends it. */
  readonly isEnded?: boolean
}

/** Every answer that a request to upgrade can get. */
interface Answered extends Request {
  status: number
  reason: RefusalReason
  env?: Env
  before?: (t: Test, app: FastifyInstance) => Promise<unknown>
}

const answers: readonly Answered[] = [
  { status: 400, reason: 'bad_request', path: `/%zz?token=${secret}` },
  { status: 400, reason: 'bad_request', path: `/%zz/${long}?token=${secret}` },
  { status: 400, reason: 'bad_request', path: '/tom', headers: { 'sec-websocket-key': 'short' } },
  { status: 400, reason: 'bad_request', path: '/tom', headers: { 'sec-websocket-protocol': ',' } },
  { status: 400, reason: 'bad_request', path: `/tom?token=${secret}`, headers: { 'x y': 'no header' } },
  { status: 401, reason: 'unauthorized', path: `/admin/connections?token=${secret}`, env: withSecret },
  { status: 403, reason: 'origin', path: '/tom', headers: { origin: 'https://evil.test' } },
  { status: 403, reason: 'origin', path: '/%zz', headers: { origin: 'https://evil.test' } },
  { status: 404, reason: 'not_found', path: `/nowhere?token=${secret}` },
  { status: 404, reason: 'not_found', path: '/health' },
  { status: 404, reason: 'not_found', path: '/tom', method: 'POST' },
  { status: 408, reason: 'timeout', path: '/tom', isEnded: false },
  {
    status: 413,
    reason: 'bad_request',
    path: '/nowhere',
    method: 'POST',
    headers: { 'content-length': '99999999', 'content-type': 'application/json' }
  },
  { status: 414, reason: 'bad_request', path: `/${secret}${long}/id` },
  { status: 426, reason: 'bad_request', path: '/tom', headers: { 'sec-websocket-version': '7' } },
  {
    status: 429,
    reason: 'connect_rate',
    path: '/tom',
    env: { CONNECT_RATE: '1' },
    before: async (t, app) => await connect(t, app, '/tom', { origin: 'https://ours.test' })
  },
  { status: 431, reason: 'bad_request', path: '/tom', headers: { cookie: 'x'.repeat(20_000) } },
  { status: 503, reason: 'draining', path: '/tom', before: async (_t, app) => await app.signalbox.connections.drain(0) }
]

function bytesOf ({ method = 'GET', path, headers = {}, isEnded = true }: Request): string {
  const all = {
    host: 'a',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==',
    ...headers
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `${method} ${path} HTTP/1.1\r\n${lines}${isEnded ? '\r\n' : ''}`
}

/** What a client gets that never closes by itself. */
async function ask (t: Test, port: number, request: Request): Promise<string> {
  const socket: Socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('error', () => {}).on('data', (data) => { text += String(data) }).write(bytesOf(request))
  await new Promise((resolve) => socket.on('end', resolve).on('close', resolve))
  return text
}

async function serve (t: Test, env: Env): Promise<FastifyInstance> {
  const settings = {
    LOG_LEVEL: 'silent',
    CONNECT_RATE: '1000000',
    NATIVE_PORTS: 'rooms:0,psync:0',
    HOST: '127.0.0.1',
    ALLOWED_ORIGINS: 'https://ours.test',
    AUDIT_LOG: '/dev/null',
    ...env
  }
  const app = createService(
    readConfig(settings, []),
    { timeouts: { ...defaultTimeouts, headersTimeout: 500, requestTimeout: 500, connectionsCheckingInterval: 100 } }
  )
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

const portOf = (app: FastifyInstance) => (app.server.address() as AddressInfo).port

/** The refusals that an app counts from here on, and those that it writes down. */
function watch ({ signalbox: { connections } }: FastifyInstance) {
  const before = new Map(connections.counters.refused)
  const records: unknown[] = []
  const { info } = connections.audit
  connections.audit.info = (record) => {
    if (record.event === 'refused') records.push(record.reason)
    info.call(connections.audit, record)
  }
  return {
    records,
    counted: () => [...connections.counters.refused].flatMap(([name, count]) => Array<string>(count - (before.get(name) ?? 0)).fill(name))
  }
}

for (const { status, reason, env = {}, before, ...request } of answers) {
  const what = `${request.path.slice(0, 20)}, ${JSON.stringify(request.headers ?? {}).slice(0, 50)}`
  t.test(`an upgrade that is answered with ${status} (${what}) is over, counted and recorded once`, async (t) => {
    const app = await serve(t, env)
    await before?.(t, app)
    const { counted, records } = watch(app)
    const text = await ask(t, portOf(app), request)
    t.match(text, new RegExp(`^HTTP/1.1 ${status} `))
    t.match(text, /^connection: close\r$/im)
    t.match(text, /^x-content-type-options: nosniff\r$/im)
    t.notMatch(text, secret, 'no token comes back')
    t.notMatch(text, /x{129}/)
    const expected = status === 429 ? 1 : 0
    await until(async () => await new Promise((resolve) => {
      app.server.getConnections((_error, count) => resolve(count === expected))
    }))
    t.same(counted(), [reason])
    t.same(records, [reason])
  })
}

t.test('a client that asks for an upgrade and is neither let in nor refused is cut in time', async (t) => {
  const timeouts = { ...defaultTimeouts, upgradeTimeout: 500 }
  const app = createService(readConfig({ LOG_LEVEL: 'silent', HOST: '127.0.0.1' }, []), { timeouts })
  t.teardown(async () => await app.close())
  app.addHook('onRequest', async () => await new Promise(() => {}))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { counted, records } = watch(app)
  t.equal(await ask(t, portOf(app), { path: '/tom' }), '')
  t.same([...counted(), ...records], ['timeout', 'timeout'])
})

t.test('an Upgrade to anything but a WebSocket is ignored', async (t) => {
  const app = await serve(t, {})
  for (const port of [portOf(app), ...app.nativePorts]) {
    const headers = { upgrade: 'h2c', connection: 'upgrade, close' }
    t.match(await ask(t, port, { path: '/health', headers }), /^HTTP\/1.1 200 OK/)
    t.match(await ask(t, port, { path: '/nowhere', headers }), /^HTTP\/1.1 404 /)
  }
})

t.test('what has no route on a native listener is answered like everything else', async (t) => {
  const app = await serve(t, {})
  const [, psync = 0] = app.nativePorts
  const { counted } = watch(app)
  const text = await ask(t, psync, { path: '/nowhere', headers: { origin: 'https://ours.test' } })
  t.match(text, /^HTTP\/1.1 404 [^]*access-control-allow-origin: https:\/\/ours.test\r/)
  t.match(await ask(t, psync, { path: '/nowhere', headers: { origin: 'https://evil.test' } }), /^HTTP\/1.1 403 (?![^]*access-control)/)
  t.same(counted().sort(), ['not_found', 'origin'])
})

t.test('every answer outside a route carries the CORS headers of an allowed origin, and no other', async (t) => {
  const app = await serve(t, {})
  for (const [method, path, status] of [
    ['GET', '/nowhere', 404],
    ['GET', '/%zz', 400],
    ['GET', `/${long}/id`, 414],
    ['POST', '/%zz', 400],
    ['OPTIONS', '/nowhere', 204],
    ['OPTIONS', '/tom/id', 204],
    ['GET', '/health', 200]
  ] as const) {
    const get = async (origin: string) => await ask(
      t,
      portOf(app),
      { method, path, headers: { origin, connection: 'close', upgrade: 'none' } }
    )
    const allowed = await get('https://ours.test')
    t.match(allowed, new RegExp(`^HTTP/1.1 ${status} `), `${method} ${path.slice(0, 20)}`)
    t.match(allowed, /^access-control-allow-origin: https:\/\/ours.test\r$/im)
    t.match(allowed, /^x-content-type-options: nosniff\r$/im)
    const refused = await get('https://evil.test')
    t.match(refused, /^HTTP\/1.1 403 /)
    t.notMatch(refused, /access-control/i)
  }
})

t.test('in an app of others an upgrade below our prefix is over in time, whatever answered it', async (t) => {
  const app = fastify()
  t.teardown(async () => await app.close())
  await app.register(signalbox, { prefix: '/signal', timeouts: { ...defaultTimeouts, upgradeTimeout: 300 } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.match(await ask(t, portOf(app), { path: '/signal/%zz' }), /^HTTP\/1.1 400 /)
  await until(async () => await new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count === 0))))
})

t.test('an error of the server tells nothing of it', async (t) => {
  const dir = t.testdir({
    'broken.js': `
      export const autoPrefix = "/broken"
      export default async function (app) { app.get("/", async () => { throw new Error("hunter2") }) }
    `
  })
  const app = await serve(t, { PLUGINS: `${dir}/broken.js` })
  const text = await ask(t, portOf(app), { path: '/broken', headers: { upgrade: 'none', origin: 'https://ours.test' } })
  t.match(text, /^HTTP\/1.1 500 [^]*{"error":"internal error"}$/)
  t.match(text, /^x-content-type-options: nosniff\r$/im)
  t.match(text, /^access-control-allow-origin: https:\/\/ours.test\r$/im)
})
