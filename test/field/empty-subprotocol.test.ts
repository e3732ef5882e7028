import { once } from 'node:events'
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/app.js'
import { readConfig } from '../../src/settings.js'
import { build, type Env } from '../helper.js'
import { filesFor, secure } from '../tls/secure.js'

const NATIVE_PORTS = 'tom:0,peerjs:0'
const paths = ['/tom', '/', '/peerjs?key=peerjs&id=a&token=b']

/** What the server says first to a handshake with this header, as React Native sends it. */
async function handshake (t: Test, socket: Socket, path: string, protocol: string): Promise<string> {
  t.teardown(() => socket.destroy())
  socket.setEncoding('utf8').write([
    `GET ${path} HTTP/1.1`, 'host: a', 'connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13',
    'sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==', `sec-websocket-protocol:${protocol}`, '', ''
  ].join('\r\n'))
  const [text] = await once(socket, 'data') as [string]
  return text
}

t.test('an empty Sec-WebSocket-Protocol is as none, on every listener and in an app of yours', async (t) => {
  const app = await build(t, { NATIVE_PORTS })
  const host = fastify({ forceCloseConnections: true })
  t.teardown(async () => await host.close())
  const env: Env = { LOG_LEVEL: 'silent', HOST: '127.0.0.1', NATIVE_PORTS }
  await host.register(signalbox, { config: readConfig(env, []) })
  await host.listen({ port: 0, host: '127.0.0.1' })
  for (const { server, nativePorts } of [app, host]) {
    for (const [at, port] of [(server.address() as AddressInfo).port, ...nativePorts].entries()) {
      for (const protocol of ['', ' ', '  \t']) {
        const text = await handshake(t, connectTcp(port, '127.0.0.1'), paths[at] ?? '', protocol)
        t.match(text, /^HTTP\/1.1 101 /)
        t.notMatch(text, /sec-websocket-protocol/i)
      }
    }
  }
})

t.test('and with TLS', async (t) => {
  const { env, client } = filesFor(t)
  const { url, native } = await secure(t, { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY, NATIVE_PORTS })
  for (const [at, to] of [url, ...native].entries()) {
    const socket = connectTls({ port: Number(new URL(to).port), ...client() })
    t.match(await handshake(t, socket, paths[at] ?? '', ''), /^HTTP\/1.1 101 /)
  }
})
