import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/app.js'
import { readConfig } from '../../src/settings.js'
import { defaultTimeouts } from '../../src/listener/timeouts.js'
import { createService } from '../../src/service.js'
import { connect, type Env, urlOf } from '../helper.js'
import { answerIn, askRaw, exchangeBytes } from './raw-http.js'

const [ours, others] = ['https://ours.test', 'https://others.test']
const settings: Env = {
  LOG_LEVEL: 'silent',
  HOST: '127.0.0.1',
  CONNECT_RATE: '1000000',
  // A busy machine is no reason to refuse.
  MAX_EVENT_LOOP_DELAY: '60000',
  ALLOWED_ORIGINS: ours,
  NATIVE_PORTS: 'tom:0,peerjs:0'
}

async function serve (t: Test, env: Env = {}): Promise<{ app: FastifyInstance, ports: number[] }> {
  const timeouts = { ...defaultTimeouts, headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 20 }
  const app = createService(readConfig({ ...settings, ...env }, []), { timeouts })
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, ports: [(app.server.address() as AddressInfo).port, ...app.nativePorts] }
}

/** Requests that no route answers, by the status of their answers. */
const outside: ReadonlyArray<[status: number, lines: string[]]> = [
  [404, ['GET /nowhere HTTP/1.1']],
  [404, ['POST /peerjs/an-id/a-token/id?i=0 HTTP/1.1', 'content-length: 0']],
  [413, ['POST /nowhere HTTP/1.1', 'content-length: 99999999', 'content-type: application/json']],
  [417, ['GET /health HTTP/1.1', 'expect: something']]
]
const unfinished: ReadonlyArray<[status: number, lines: string[]]> = [
  [408, ['POST /nowhere HTTP/1.1', 'content-length: 10', 'content-type: application/json', '', '{']],
  [400, ['POST /nowhere HTTP/1.1', 'transfer-encoding: chunked', 'content-type: application/json', '', 'no length\r\n']]
]

t.test('whatever answers outside a route, a page of an allowed origin can read it', async (t) => {
  const { ports } = await serve(t)
  for (const port of ports) {
    for (const [status, [line = '', ...lines]] of [...outside, ...unfinished]) {
      const answer = await askRaw(t, port, [line, 'host: a', 'connection: close', `origin: ${ours}`, ...lines])
      // A native listener may answer 404 before it reads a body.
      t.ok(answer.status === status || (port !== ports[0] && answer.status === 404), line)
      t.equal(answer.headers['access-control-allow-origin'], ours, `${status} ${line} on ${port}`)
      t.match(answer.headers.vary, /origin/i)
    }
  }
})

t.test('and no page of another origin', async (t) => {
  const { ports } = await serve(t)
  for (const port of ports) {
    for (const [, [line = '', ...lines]] of [...outside, ...unfinished]) {
      const answer = await askRaw(t, port, [line, 'host: a', 'connection: close', `origin: ${others}`, ...lines])
      t.ok(answer.status >= 400)
      t.equal(answer.headers['access-control-allow-origin'], undefined, `${line} on ${port}`)
    }
  }
})

t.test('a bad URL on the main listener, a missing host, and an upgrade during a drain are no exceptions', async (t) => {
  const { app, ports: [main = 0] } = await serve(t)
  for (const [status, lines] of [
    [400, ['GET /%zz HTTP/1.1', 'host: a']],
    [414, [`GET /${'x'.repeat(300)}/id HTTP/1.1`, 'host: a']],
    [400, ['GET /health HTTP/1.1']]
  ] as const) {
    const answer = await askRaw(t, main, [...lines, 'connection: close', `origin: ${ours}`])
    t.equal(answer.status, status)
    t.equal(answer.headers['access-control-allow-origin'], ours, lines[0])
  }
  await app.signalbox.connections.drain(0)
  const upgrade = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==']
  const answer = await askRaw(t, main, ['GET /tom HTTP/1.1', 'host: a', ...upgrade, `origin: ${ours}`])
  t.equal(answer.status, 503)
  t.equal(answer.headers['access-control-allow-origin'], ours)
})

t.test('a page reads that it asks too often, and that the server is full', async (t) => {
  const limited = await serve(t, { CONNECT_RATE: '1' })
  const [main = 0] = limited.ports
  await fetch(`${urlOf(main)}/tom/id`)
  for (const path of ['/nowhere', '/tom/id']) {
    const answer = await fetch(urlOf(main) + path, { headers: { origin: ours } })
    t.equal(answer.status, 429)
    t.equal(answer.headers.get('access-control-allow-origin'), ours)
  }
  const full = await serve(t, { MAX_CLIENTS: '1' })
  await connect(t, full.app, '/tom')
  for (const path of ['/nowhere', '/tom/id']) {
    const answer = await fetch(urlOf(full.app) + path, { headers: { origin: ours, connection: 'close' } })
    t.equal(answer.status, path === '/nowhere' ? 404 : 503)
    t.equal(answer.headers.get('access-control-allow-origin'), ours)
  }
})

t.test('a preflight is answered everywhere, with the methods and headers that the page may use', async (t) => {
  const { ports } = await serve(t)
  for (const port of ports) {
    for (const path of ['/nowhere', '/peerjs/an-id/a-token/id?i=0', '/health']) {
      const preflight = (origin: string) => fetch(urlOf(port) + path, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
      })
      const answer = await preflight(ours)
      t.equal(answer.status, 204)
      t.equal(answer.headers.get('access-control-allow-origin'), ours)
      t.match(answer.headers.get('access-control-allow-methods'), /POST/)
      t.match(answer.headers.get('access-control-allow-headers'), /content-type/)
      t.equal((await preflight(others)).status, 403)
    }
  }
})

t.test('in an app of yours, below the prefix as in the stock server, and beside it as you like', async (t) => {
  const app = fastify()
  t.teardown(async () => await app.close())
  app.setNotFoundHandler(async (_request, reply) => await reply.code(404).send('mine'))
  await app.register(signalbox, { prefix: '/signal', config: readConfig(settings, []) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const ask = async (path: string, origin: string) => await fetch(urlOf(app) + path, { method: 'POST', headers: { origin } })
  const answer = await ask('/signal/peerjs/an-id/a-token/id?i=0', ours)
  t.equal(answer.status, 404)
  t.equal(answer.headers.get('access-control-allow-origin'), ours)
  t.same(await answer.json(), { error: 'not found' })
  t.equal((await ask('/signal/nowhere', others)).status, 403)
  t.equal(await (await ask('/nowhere', ours)).text(), 'mine')
})

t.test('an answer is not mixed with another that has begun', async (t) => {
  const { ports: [main = 0] } = await serve(t)
  const text = await exchangeBytes(t, main, 'GET /health HTTP/1.1\r\nhost: a\r\n\r\nno request\r\n\r\n')
  t.ok(text.startsWith('HTTP/1.1 '))
  t.ok([200, 400].includes(answerIn(text).status))
})
