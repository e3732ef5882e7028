import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get, type IncomingHttpHeaders } from 'node:http'
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/settings.js'
import { defaultTimeouts } from '../../src/listener/timeouts.js'
import { createService } from '../../src/service.js'
import { build, connect, type Env, until } from '../helper.js'
import { start } from '../process.js'

async function open (t: Test, port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {}).resume()
  t.teardown(() => socket.destroy())
  await new Promise((resolve) => socket.on('connect', resolve).on('close', resolve))
  return socket
}

async function closed (socket: Socket): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close')
}

interface Answer { status: number | undefined, headers: IncomingHttpHeaders, port: number | undefined }

/** A GET that keeps its connection for the next one by the same agent, if the server does. */
async function ask (port: number, path: string, agent: Agent, headers: Record<string, string> = {}): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path, agent, headers }, (response) => {
      const { localPort } = response.socket
      response.resume().on('end', () => resolve({ status: response.statusCode, headers: response.headers, port: localPort }))
    }).on('error', reject)
  })
}

function agentFor (t: Test, localAddress = '127.0.0.1'): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress })
  t.teardown(() => agent.destroy())
  return agent
}

const portOf = (app: FastifyInstance) => (app.server.address() as AddressInfo).port
const refusedOf = (
  app: FastifyInstance,
  reason: 'max_clients' | 'max_clients_per_address' | 'connect_rate' | 'timeout'
) => app.signalbox.connections.counters.refused.get(reason) ?? 0

async function serve (
  t: Test,
  env: Env,
  quick: Partial<typeof defaultTimeouts>,
  extend: (app: FastifyInstance) => void = () => {}
): Promise<FastifyInstance> {
  const config = readConfig({ LOG_LEVEL: 'silent', HOST: '127.0.0.1', ...env }, [])
  const app = createService(config, { timeouts: { ...defaultTimeouts, ...quick } })
  extend(app)
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

t.test('every open connection of every listener takes one of MAX_CLIENTS, whatever it asked for, and a WebSocket takes one', async (t) => {
  const app = await build(t, { MAX_CLIENTS: '3', NATIVE_PORTS: 'tom:0' })
  const [native = 0] = app.nativePorts
  const alice = await connect(t, app, '/drone')
  await connect(t, native, '/')
  const silent = await open(t, native)
  t.equal((await (await connect(t, app, '/drone')).closed).code, 1013)
  t.equal((await (await connect(t, native, '/')).closed).code, 1013)
  const agent = agentFor(t)
  const { status, headers } = await ask(portOf(app), '/tom/id', agent)
  t.match({ status, headers }, { status: 503, headers: { connection: 'close', 'retry-after': /^[5-9]$/ } })
  for (const path of ['/health', '/metrics']) {
    t.match(await ask(portOf(app), path, agent), { status: 200, headers: { connection: 'close' } }, `${path} still has its answer`)
  }
  t.equal(refusedOf(app, 'max_clients'), 3)
  alice.send({ type: 'ping' })
  t.match(await alice.next(), { type: 'pong' })

  silent.destroy()
  await until(() => app.signalbox.gate.connections === 2)
  const bob = await connect(t, app, '/drone')
  bob.send({ type: 'ping' })
  t.match(await bob.next(), { type: 'pong' }, 'and who leaves makes a place')
  t.equal(app.signalbox.gate.connections, 3)
})

t.test('past MAX_CLIENTS only a few are told so, and all others are cut at once', async (t) => {
  const app = await build(t, { MAX_CLIENTS: '1' })
  await connect(t, app, '/drone')
  const sockets = await Promise.all(Array.from({ length: 60 }, async () => await open(t, portOf(app))))
  await until(() => sockets.filter(({ destroyed }) => destroyed).length === 28)
  t.equal(refusedOf(app, 'max_clients'), 28)
})

t.test('an address has MAX_CLIENTS_PER_ADDRESS of them, and a trusted proxy has as many as its clients', async (t) => {
  const app = await build(t, { MAX_CLIENTS_PER_ADDRESS: '2', TRUST_PROXY: '127.0.0.5' })
  for (let n = 0; n < 2; n++) await open(t, portOf(app))
  t.equal((await (await connect(t, app, '/drone')).closed).code, 1013)
  t.equal((await ask(portOf(app), '/tom/id', agentFor(t))).status, 503)
  t.equal(refusedOf(app, 'max_clients_per_address'), 2)
  for (let n = 0; n < 6; n++) {
    const client = await connect(t, app, '/drone', { localAddress: '127.0.0.5', headers: { 'x-forwarded-for': `10.0.0.${n % 3}` } })
    client.send({ type: 'ping' })
    t.match(await client.next(), { type: 'pong' })
  }
  t.equal(
    (await (await connect(t, app, '/drone', { localAddress: '127.0.0.5', headers: { 'x-forwarded-for': '10.0.0.1' } })).closed).code,
    1013
  )
})

t.test('a connection without a request is closed soon, and one of a trusted proxy is kept', async (t) => {
  const app = await serve(t, { TRUST_PROXY: '127.0.0.5' }, { idleTimeout: 100, proxyIdleTimeout: 60_000 })
  const [socket, proxy] = [await open(t, portOf(app)), await open(t, portOf(app), '127.0.0.5')]
  for (const each of [proxy, socket]) each.write('GET /health HTTP/1.1\r\nhost: a\r\n\r\n')
  const askedAt = performance.now()
  await closed(socket)
  t.ok(performance.now() - askedAt < 5_000)
  proxy.write('GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  let text = ''
  proxy.on('data', (data) => { text += String(data) })
  await closed(proxy)
  t.match(text, /200 OK/)
})

t.test('a client that does not read its answer is cut in time', async (t) => {
  const app = await serve(t, {}, { answerTimeout: 300 }, (app) => { app.get('/large', async () => 'x'.repeat(2 ** 26)) })
  const socket = await open(t, portOf(app))
  socket.pause().write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n')
  await until(() => refusedOf(app, 'timeout') === 1)
  await until(() => app.signalbox.gate.connections === 0)
})

t.test('after a 429 the connection closes, and who goes on is cut without an answer', async (t) => {
  const app = await build(t, { CONNECT_RATE: '2' })
  const agent = agentFor(t)
  const first = await ask(portOf(app), '/openapi.json', agent)
  t.equal((await ask(portOf(app), '/nowhere', agent)).port, first.port)
  const refused = await ask(portOf(app), '/tom/id', agent)
  t.match(refused, { status: 429, port: first.port, headers: { connection: 'close' } })
  t.ok(refused.headers['retry-after'])
  let told = 1
  while (await ask(portOf(app), '/nowhere', agent).then(({ status }) => status === 429, () => false)) told++
  t.ok(told >= 20 && told <= 25, `${told} are told`)
  t.equal((await ask(portOf(app), '/health', agent)).status, 200, 'with the checks of its health apart')
  await connect(t, app, '/tom')
  t.equal((await ask(portOf(app), '/tom/id', agentFor(t, '127.0.0.2'))).status, 200, 'and others are served')
})

t.test('every route has a rate', async (t) => {
  const strict = await build(t, { CONNECT_RATE: '1' })
  for (const [at, path] of [
    '/openapi.json', '/', '/nowhere', '/%zz', '/tom/id', '/metrics', '/ice-servers', '/peerjs/peers', '/tom'
  ].entries()) {
    const agent = agentFor(t, `127.0.3.${1 + at}`)
    await ask(portOf(strict), path, agent)
    t.equal((await ask(portOf(strict), path, agent)).status, 429, path)
  }
  const app = await build(t)
  for (const [at, path] of ['/health', '/ready', '/tom/health', '/drone/health', '/peerjs/health'].entries()) {
    const statuses = await Promise.all(Array.from(
      { length: 100 },
      async (_, n) => (await ask(portOf(app), path, new Agent({ localAddress: `127.0.1.${1 + 2 * at + n % 2}` }))).status
    ))
    t.same(new Set(statuses), new Set([200]), `${path} answers whoever asks 50 times at once`)
  }
  const statuses = await Promise.all(Array.from(
    { length: 400 },
    async () => (await ask(portOf(app), '/health', new Agent({ localAddress: '127.0.2.1' })).catch(() => ({ status: 0 }))).status
  ))
  t.ok(statuses.filter((status) => status !== 200).length >= 10, 'and nobody who asks much more')
})

t.test('a connection takes so many requests', async (t) => {
  const app = await build(t)
  const agent = agentFor(t)
  const answers = []
  for (let n = 0; n < 1001; n++) answers.push(await ask(portOf(app), '/nowhere', agent))
  t.equal(new Set(answers.map(({ port }) => port)).size, 2)
})

t.test('300 silent connections do not end a process that may open 256 files, and make room again', { timeout: 60_000 }, async (t) => {
  const { child, port, output, exited } = await start(t, { AUDIT_LOG: '/dev/null' }, [], undefined, 256)
  const alice = await connect(t, port, '/drone', { localAddress: '127.0.0.77' })
  const sockets = await Promise.all(Array.from({ length: 300 }, async () => await open(t, port)))
  const from = performance.now()
  // Longer than the process looks at its memory in.
  await Promise.race([exited, until(() => performance.now() - from > 2_500)])
  t.equal(child.exitCode, null)
  alice.send({ type: 'ping' })
  t.match(await alice.next(), { type: 'pong' })
  t.ok(sockets.filter(({ destroyed }) => destroyed).length > 100)
  t.match(output.stdout, 'MAX_CLIENTS is 50000, and the process may open 256 files')
  for (const socket of sockets) socket.destroy()
  await until(async () => await connect(t, port, '/drone', { localAddress: '127.0.0.78' }).then(async (bob) => {
    bob.send({ type: 'ping' })
    return (await bob.next()).type === 'pong'
  }).catch(() => false))
})

t.test('nor does a process end that can open no file any more', { timeout: 60_000 }, async (t) => {
  // Whose memory is read from a file.
  const { child, port, exited } = await start(t, { AUDIT_LOG: '/dev/null', MAX_MEMORY: String(2 ** 40) })
  const alice = await connect(t, port, '/drone', { localAddress: '127.0.0.77' })
  // The lowest numbers are taken by then.
  execFileSync('prlimit', ['--pid', String(child.pid), '--nofile=24:'])
  const sockets = await Promise.all(Array.from({ length: 50 }, async () => await open(t, port)))
  const from = performance.now()
  await Promise.race([exited, until(() => performance.now() - from > 2_500)])
  t.equal(child.exitCode, null)
  for (const socket of sockets) socket.destroy()
  alice.send({ type: 'ping' })
  t.match(await alice.next(), { type: 'pong' })
  execFileSync('prlimit', ['--pid', String(child.pid), '--nofile=1024:'])
  await until(async () => await connect(t, port, '/drone').then(() => true, () => false))
})
