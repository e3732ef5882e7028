import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { connect, refusal } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'
import { filesFor, request, type Secure, secure } from './secure.js'

const NATIVE_PORTS = 'tom:0,peerjs:0'

/** What a client of each dialect finds on the native listeners above. */
const nativePaths: Record<string, (subject: Subject) => Subject> = {
  tom: (subject) => ({ ...subject, path: () => '/' }),
  peerjs: (subject) => subject
}

t.test('all dialects and REST speak TLS on the main listener', async (t) => {
  const { env, client } = filesFor(t)
  const { url, app } = await secure(t, { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY })
  t.match(await request(`${url}/health`, client()), { status: 200, body: { status: 'ok' } })
  t.equal(app.listeningOrigin, url)
  for (const subject of builtIn) {
    const alice = await enter(t, url, subject, 'alice', { options: client() })
    const bob = await enter(t, url, subject, 'bob', { place: alice.place, options: client() })
    alice.signal(bob.id, 'hello')
    t.match(await bob.hears(), { load: 'hello' }, subject.name)
  }
})

t.test('so do native listeners, whose peers meet those of the main one', async (t) => {
  const { env, client } = filesFor(t)
  const { url, native } = await secure(t, { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY, NATIVE_PORTS })
  for (const [at, name] of ['tom', 'peerjs'].entries()) {
    const to = native[at] ?? ''
    const subject = builtIn.find((subject) => subject.name === name) as Subject
    const alice = await enter(t, to, nativePaths[name]?.(subject) ?? subject, 'alice', { options: client() })
    const bob = await enter(t, url, subject, 'bob', { options: client() })
    bob.signal('alice', 'hello')
    t.match(await alice.hears(), { load: 'hello' }, name)
    if (name === 'peerjs') t.equal((await refusal(t, to, '/ws', client())).status, 404)
    t.equal((await request(`${to}/${name === 'tom' ? 'health' : 'peerjs/id'}`, client())).status, 200)
    t.match(await request(`${to}/nope`, client()), { status: 404, body: { error: 'not found' } })
  }
})

/** Every listener of a server. */
const listenersOf = ({ url, native }: Secure) => [url, ...native]
const portOf = (url: string) => Number(new URL(url).port)

t.test('a version of TLS below 1.2 is refused, and plain HTTP gets no answer', async (t) => {
  const { env, client } = filesFor(t)
  const server = await secure(t, { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY, NATIVE_PORTS })
  for (const to of listenersOf(server)) {
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const socket = connectTls({ port: portOf(to), ...client(), minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' })
      const [error] = await once(socket, 'error') as [NodeJS.ErrnoException]
      t.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', version)
    }
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = connectTls({ port: portOf(to), ...client(), minVersion: version, maxVersion: version })
      await once(socket, 'secureConnect')
      t.equal(socket.getProtocol(), version)
      socket.destroy()
    }
    const plain = await open(t, to)
    plain.write('GET /health HTTP/1.1\r\nhost: a\r\n\r\n')
    t.notMatch(await untilCut(plain), '200')
    t.equal((await request(`${to}/health`, client())).status, to === server.native[1] ? 404 : 200, 'and goes on')
  }
})

async function open (t: Test, to: string): Promise<Socket> {
  const socket = connectTcp(portOf(to), '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** What the server says until it ends the socket. */
async function untilCut (socket: Socket): Promise<string> {
  let heard = ''
  socket.on('data', (bytes) => { heard += bytes.toString('latin1') })
  await once(socket, 'close')
  return heard
}

/** The first bytes that a client of TLS sends. */
async function clientHello (): Promise<Buffer> {
  return await new Promise((resolve) => {
    const wire = new Duplex({ read () {}, write: (bytes: Buffer) => resolve(bytes) })
    connectTls({ socket: wire, servername: 'localhost' }).on('error', () => {})
  })
}

t.test('a handshake that stops anywhere is cut in time', async (t) => {
  const { env, client } = filesFor(t)
  const server = await secure(t, { ...env, TLS_REQUIRE_CLIENT_CERT: 'true', NATIVE_PORTS }, { handshakeTimeout: 300 })
  const hello = await clientHello()
  for (const to of listenersOf(server)) {
    // Who is done by then stays.
    const quick = connectTls({ port: portOf(to), ...client({ cn: 'quick' }) }).on('error', () => {})
    t.teardown(() => quick.destroy())
    await once(quick, 'secureConnect')
    await Promise.all([Buffer.alloc(0), hello.subarray(0, 1), hello.subarray(0, 60), hello].map(async (bytes) => {
      const startedAt = performance.now()
      const socket = await open(t, to)
      if (bytes.length > 0) socket.write(bytes)
      await untilCut(socket)
      const ms = performance.now() - startedAt
      t.ok(ms > 250 && ms < 5_000, `${bytes.length} bytes: ${ms} ms`)
    }))
    t.equal(quick.closed, false)
  }
})

t.test('a handshake that never ends does not keep the server from closing', async (t) => {
  const { env } = filesFor(t)
  const server = await secure(t, { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY, NATIVE_PORTS }, { handshakeTimeout: 60_000 })
  const hello = await clientHello()
  const cut = []
  for (const to of listenersOf(server)) {
    for (const bytes of [Buffer.alloc(0), hello]) {
      const socket = await open(t, to)
      await new Promise((resolve) => socket.write(bytes, resolve))
      if (bytes.length > 0) await once(socket, 'data')
      cut.push(untilCut(socket))
    }
  }
  const startedAt = performance.now()
  await server.app.close()
  t.ok(performance.now() - startedAt < 10_000)
  await Promise.all(cut)
})

t.test('an upgrade that is reset while it is refused does not end the process', async (t) => {
  const { env, client } = filesFor(t)
  const server = await secure(t, { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY, NATIVE_PORTS })
  const upgrade = 'GET /nope HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
    'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
  for (const to of listenersOf(server)) {
    for (let round = 0; round < 5; round++) {
      const raw = await open(t, to)
      const socket = connectTls({ socket: raw, ...client(), servername: 'localhost' }).on('error', () => {})
      await once(socket, 'secureConnect')
      await new Promise((resolve) => socket.write(upgrade, resolve))
      raw.resetAndDestroy()
    }
    const peer = await connect(t, to, to === server.native[0] ? '/' : '/peerjs?key=peerjs&id=a&token=t', client())
    await peer.close()
  }
})
