import { once } from 'node:events'
import { connect as connectTcp, type AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/app.js'
import { readConfig } from '../../src/settings.js'
import { build, connect, type Env, urlOf } from '../helper.js'
import { filesFor, secure } from '../tls/secure.js'
import { answerIn, askRaw, exchangeBytes } from './raw-http.js'

const settings: Env = { LOG_LEVEL: 'silent', HOST: '127.0.0.1', CONNECT_RATE: '1000000', NATIVE_PORTS: 'tom:0,peerjs:0' }

async function embedded (t: Test, prefix: string): Promise<FastifyInstance> {
  const app = fastify({ logger: false, forceCloseConnections: true })
  t.teardown(async () => await app.close())
  await app.register(signalbox, { prefix, config: readConfig(settings, []) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

const portsOf = (app: FastifyInstance): number[] => [(app.server.address() as AddressInfo).port, ...app.nativePorts]
const healthOf = (at: number): string => at === 2 ? '/peerjs/health' : '/health'

t.test('OPTIONS without a preflight is answered with 204 everywhere, as HAProxy, curl and monitors send it', async (t) => {
  for (const port of portsOf(await build(t, settings))) {
    for (const lines of [
      ['OPTIONS / HTTP/1.0'],
      ['OPTIONS * HTTP/1.1', 'host: a', 'connection: close'],
      ['OPTIONS /nowhere HTTP/1.1', 'host: a', 'connection: close'],
      ['OPTIONS /health HTTP/1.0', 'origin: https://a.test']
    ]) t.equal((await askRaw(t, port, lines)).status, 204, `${lines[0]} on ${port}`)
  }
  const [, ...native] = portsOf(await embedded(t, ''))
  for (const port of native) t.equal((await askRaw(t, port, ['OPTIONS / HTTP/1.0'])).status, 204, 'in an app of yours too')
})

t.test('a health check may be HTTP/1.0, without a host, and HEAD', async (t) => {
  for (const [at, port] of portsOf(await build(t, settings)).entries()) {
    for (const method of ['GET', 'HEAD']) {
      const { status, body } = await askRaw(t, port, [`${method} ${healthOf(at)} HTTP/1.0`])
      t.equal(status, 200)
      t.equal(body === '', method === 'HEAD')
    }
  }
})

const h2c = ['host: a', 'connection: Upgrade, HTTP2-Settings', 'upgrade: h2c', 'http2-settings: AAMAAABkAAQAAP__']
const tls = ['host: a', 'connection: upgrade', 'upgrade: TLS/1.0']

t.test('an upgrade to anything but WebSocket is ignored: the answer is the same, and the connection stays open', async (t) => {
  const apps = [[await build(t, settings), ''], [await embedded(t, '/signal'), '/signal']] as const
  for (const [app, prefix] of apps) {
    for (const [at, port] of portsOf(app).entries()) {
      const path = `${at === 0 ? prefix : ''}${healthOf(at)}`
      for (const offer of [h2c, tls]) {
        const last = `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`
        const socket = connectTcp(port, '127.0.0.1')
        t.teardown(() => socket.destroy())
        let text = ''
        socket.setEncoding('utf8').on('data', (data: string) => { text += data })
        // More of them than an emitter takes listeners before it warns.
        for (let time = 1; time <= 12; time++) {
          socket.write([`GET ${path} HTTP/1.1`, ...offer, '', ''].join('\r\n'))
          while (text.split('HTTP/1.1 200').length <= time || !text.endsWith('}')) await once(socket, 'data')
        }
        socket.write(last)
        await once(socket, 'close')
        t.equal(text.split('HTTP/1.1 200').length - 1, 13, `${offer[2]} on ${port}`)
      }
    }
  }
})

t.test('so a request with a body is read with its body', async (t) => {
  const [port = 0] = portsOf(await build(t, settings))
  const body = ['content-type: application/json', 'content-length: 3', '', '{} ']
  const request = (lines: string[]) => ['POST /tom/id HTTP/1.1', ...lines, ...body].join('\r\n')
  const text = await exchangeBytes(t, port, request(h2c) + request(['host: a', 'connection: close']))
  t.equal(text.split('HTTP/1.1 404').length - 1, 2)
})

t.test('and with TLS', async (t) => {
  const { env, client } = filesFor(t)
  const { url, native } = await secure(t, { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY, NATIVE_PORTS: 'tom:0' })
  for (const to of [url, ...native]) {
    const socket = connectTls({ port: Number(new URL(to).port), ...client() })
    let text = ''
    socket.setEncoding('utf8').on('data', (data: string) => { text += data })
    socket.write(['GET /health HTTP/1.1', ...h2c, '', ''].join('\r\n'))
    while (!text.endsWith('}')) await once(socket, 'data')
    socket.write('GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    await once(socket, 'close')
    t.equal(text.split('HTTP/1.1 200').length - 1, 2)
  }
})

t.test('an upgrade that is ignored is counted once, and cut where it would overtake another answer', async (t) => {
  const app = await build(t, { ...settings, MAX_CLIENTS: '1' })
  const [port = 0] = portsOf(app)
  t.equal(app.signalbox.gate.connections, 0)
  const last = ['GET /health HTTP/1.1', 'host: a', 'connection: close', '', '']
  const answer = await exchangeBytes(t, port, ['GET /health HTTP/1.1', ...h2c, '', ...last].join('\r\n'))
  t.equal(answer.split('HTTP/1.1 200').length - 1, 2)
  while (app.signalbox.gate.connections > 0) await new Promise(setImmediate)
  const waiting = 'POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n'
  const cut = await exchangeBytes(t, port, waiting + ['GET /health HTTP/1.1', ...h2c, '', ''].join('\r\n'))
  t.ok(cut === '' || answerIn(cut).status === 404)
  while (app.signalbox.gate.connections > 0) await new Promise(setImmediate)
  await connect(t, app, '/tom')
})

t.test('several slashes in a path are one, for REST and for sockets, on all listeners', async (t) => {
  const app = await build(t, { ...settings, NATIVE_PORTS: 'tom:0,peerjs:0,psync:0' })
  const [main = 0, tom = 0, peerjs = 0, psync = 0] = portsOf(app)
  for (const [port, path] of [
    [main, '//health'], [main, '//tom///health'], [main, '///peerjs//id'], [main, '//'],
    [tom, '//health'], [peerjs, '//peerjs//id'], [psync, '//health']
  ] as const) t.equal((await fetch(urlOf(port) + path)).status, 200, path)
  for (const [port, path] of [
    [main, '//tom'], [main, '//psync//ws//'], [main, '//'],
    [tom, '//'], [peerjs, '//peerjs//?key=peerjs&id=a&token=b//c'], [psync, '//ws']
  ] as const) await connect(t, port, path)
  t.equal((await fetch(`${urlOf(main)}/%2Fhealth`)).status, 404, 'an encoded slash is none')
  t.equal((await fetch(`${urlOf(main)}/health?a=//b`)).status, 200)
})
