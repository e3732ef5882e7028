import { once } from 'node:events'
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { readConfig } from '../src/settings.js'
import { defaultTimeouts } from '../src/listener/timeouts.js'
import { createService } from '../src/service.js'
import { connect, type Env, urlOf } from './helper.js'
import { filesFor } from './tls/secure.js'
import { buildInVirtualTime } from './virtual-time.js'

/** A request as far as its slow sender comes. */
const beginnings: Record<string, string> = {
  nothing: '',
  'half a line': 'GET /hea',
  'half a head': 'GET /health HTTP/1.1\r\nhost: a\r\n',
  'half an upgrade': 'GET /tom HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n',
  'a head, and half a body': 'POST /health HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\ncontent-type: text/plain\r\n\r\nhello'
}

/** Who sends a byte now and then is cut like who sends none. */
async function cut (t: Test, socket: Socket, text: string): Promise<number> {
  t.teardown(() => socket.destroy())
  const startedAt = performance.now()
  const drip = setInterval(() => { if (text !== '' && socket.writable) socket.write('x') }, 100)
  socket.on('error', () => {}).resume().write(text)
  // Not `once`, for which a reset is an error.
  await new Promise((resolve) => socket.on('close', resolve))
  clearInterval(drip)
  return performance.now() - startedAt
}

for (const kind of ['plain', 'TLS'] as const) {
  t.test(`${kind}: a client that takes too long over its request is cut, on every listener`, async (t) => {
    const { env, client } = filesFor(t)
    const settings: Env = {
      LOG_LEVEL: 'silent',
      HOST: '127.0.0.1',
      NATIVE_PORTS: 'tom:0',
      ...(kind === 'TLS' && { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY })
    }
    const app = createService(readConfig(settings, []), {
      timeouts: { ...defaultTimeouts, headersTimeout: 500, requestTimeout: 500, connectionsCheckingInterval: 100 }
    })
    t.teardown(async () => await app.close())
    await app.listen({ port: 0, host: '127.0.0.1' })
    const ports = [(app.server.address() as AddressInfo).port, app.nativePorts[0] ?? 0]
    const scheme = kind === 'TLS' ? 'https' : 'http'
    const peers = await Promise.all(ports.map(async (port) =>
      await connect(t, `${scheme}://127.0.0.1:${port}`, port === ports[0] ? '/tom' : '/', client())
    ))
    await Promise.all(ports.flatMap((port) => Object.entries(beginnings).map(async ([name, text]) => {
      const socket = kind === 'TLS' ? connectTls({ port, ...client() }) : connectTcp(port, '127.0.0.1')
      await once(socket, kind === 'TLS' ? 'secureConnect' : 'connect')
      const ms = await cut(t, socket, text)
      t.ok(ms < 5_000, `${name}: ${ms} ms`)
    })))
    for (const peer of peers) {
      peer.send({ type: 'nonsense' })
      t.match(await peer.next(), { type: 'error' }, 'who is in stays')
    }
  })
}

t.test('an answer may go on for as long as its client reads it', async (t) => {
  const answers: PassThrough[] = []
  const { app, pass } = await buildInVirtualTime(t, {}, 1_000, async (app) => {
    app.get('/events', async (_request, reply) => {
      const answer = new PassThrough()
      answers.push(answer)
      answer.write('first')
      return await reply.type('text/event-stream').send(answer)
    })
  })
  const { body } = await fetch(`${urlOf(app)}/events`)
  const reader = body?.getReader()
  const next = async () => Buffer.from((await reader?.read())?.value ?? []).toString()
  t.equal(await next(), 'first')
  await pass(10 * defaultTimeouts.answerTimeout)
  answers[0]?.write('second')
  t.equal(await next(), 'second')
})
