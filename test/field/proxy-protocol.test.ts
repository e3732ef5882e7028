import { once } from 'node:events'
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/index.js'
import { readProxyHeader } from '../../src/listener/proxy-header.js'
import { defaultTimeouts, type Timeouts } from '../../src/listener/timeouts.js'
import { createService } from '../../src/service.js'
import { readConfig } from '../../src/settings.js'
import { temporary } from '../deploy/proxy-process.js'
import { type Env, until } from '../helper.js'
import { filesFor } from '../tls/secure.js'
import { answerIn, exchangeBytes } from './raw-http.js'

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** A header of version 2. Its last parts are what follows the addresses, and a length that is not that of the rest. */
function binary (command: number, family: number, addresses: string, tlvs = '', length?: number): Buffer {
  const rest = Buffer.from(addresses + tlvs, 'hex')
  const size = length ?? rest.length
  return Buffer.concat([signature, Buffer.from([command, family, size >> 8, size & 255]), rest])
}

const v4 = 'c0000201' + 'c6336401' + 'd903' + '01bb'
const v6 = '20010db8000000000000000000000001' + '20010db8000000000000000000000002' + 'd903' + '01bb'
const mapped = '00000000000000000000ffffc0000201' + '20010db8000000000000000000000002' + 'd903' + '01bb'

for (const [name, header, address] of [
  ['TCP4', 'PROXY TCP4 192.0.2.1 198.51.100.1 55555 443\r\n', '192.0.2.1'],
  ['TCP6', 'PROXY TCP6 2001:DB8:0:0:0::1 2001:db8::2 0 65535\r\n', '2001:db8::1'],
  ['TCP6 with an IPv4 address', 'PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 1 2\r\n', '192.0.2.1'],
  ['the longest TCP6', `PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`, `${'ffff:'.repeat(7)}ffff`],
  ['UNKNOWN', 'PROXY UNKNOWN\r\n', undefined],
  ['UNKNOWN with more', `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`, undefined],
  ['version 2, IPv4', binary(0x21, 0x11, v4), '192.0.2.1'],
  ['version 2, IPv6', binary(0x21, 0x21, v6), '2001:db8::1'],
  ['version 2, IPv4 in IPv6', binary(0x21, 0x21, mapped), '192.0.2.1'],
  ['version 2 with TLVs', binary(0x21, 0x11, v4, '030004aabbccdd' + '040000'.repeat(1_000)), '192.0.2.1'],
  ['version 2, LOCAL', binary(0x20, 0x00, ''), undefined],
  ['version 2, LOCAL with addresses', binary(0x20, 0x11, v4), undefined],
  ['version 2, unspecified', binary(0x21, 0x00, ''), undefined],
  ['version 2, a Unix socket', binary(0x21, 0x31, '61'.repeat(216)), undefined]
] as const) {
  t.test(`the header ${name} is read once it is whole, and what follows is left`, async (t) => {
    const bytes = Buffer.from(header)
    for (let length = 0; length < bytes.length; length++) {
      if (readProxyHeader(bytes.subarray(0, length)) !== 'incomplete') t.fail(`of ${length} bytes`)
    }
    for (const rest of ['', 'GET / HTTP/1.1\r\n']) {
      t.same(readProxyHeader(Buffer.concat([bytes, Buffer.from(rest)])), { length: bytes.length, address })
    }
  })
}

const invalid: Record<string, string | Buffer> = {
  HTTP: 'GET / HTTP/1.1\r\n',
  TLS: Buffer.from('160301', 'hex'),
  'a line without an end': 'PROXY UNKNOWN' + ' '.repeat(94),
  'an end past 107 bytes': `PROXY UNKNOWN ${'f'.repeat(92)}\r\n`,
  'another case': 'proxy TCP4',
  'two spaces': 'PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n',
  'a space at the end': 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n',
  'no ports': 'PROXY TCP4 192.0.2.1 198.51.100.1\r\n',
  'a port too high': 'PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n',
  'a port with a zero before': 'PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n',
  'no address': 'PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n',
  'an address of the other family': 'PROXY TCP4 2001:db8::1 198.51.100.1 1 2\r\n',
  'IPv4 as TCP6': 'PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n',
  'a zone': 'PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n',
  'an unknown family': 'PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n',
  UNKNOWNS: 'PROXY UNKNOWNS\r\n',
  'an empty line': 'PROXY \r\n',
  'version 1 in binary': binary(0x11, 0x11, v4),
  'an unknown command': binary(0x22, 0x11, v4),
  datagrams: binary(0x21, 0x12, v4),
  'an unknown family in binary': binary(0x21, 0x41, v4),
  'too short for its addresses': binary(0x21, 0x11, v4, '', 11),
  'too short for IPv6': binary(0x21, 0x21, v4),
  'longer than any header': binary(0x21, 0x11, v4, '', 65_535)
}
for (const [name, header] of Object.entries(invalid)) {
  t.test(`no header: ${name}`, async (t) => t.equal(readProxyHeader(Buffer.from(header)), 'invalid'))
}

const trusting: Env = { PROXY_PROTOCOL: 'true', TRUST_PROXY: '127.0.0.1' }

interface Served {
  readonly app: FastifyInstance
  /** The ports of all listeners: the main one, and that of PeerJS. */
  readonly ports: readonly number[]
  readonly warnings: string[]
  /** How often connections were refused for want of a header. */
  refused (): Promise<number>
}

async function serve (t: Test, env: Env = {}, timeouts: Partial<Timeouts> = {}): Promise<Served> {
  const config = readConfig({ LOG_LEVEL: 'silent', HOST: '127.0.0.1', NATIVE_PORTS: 'peerjs:0', ...trusting, ...env }, [])
  const app = createService(config, { timeouts: { ...defaultTimeouts, ...timeouts } })
  t.teardown(async () => await app.close())
  const warnings: string[] = []
  app.log.warn = ((_bindings: unknown, message = '') => {
    if (message.includes('PROXY_PROTOCOL')) warnings.push(message)
  }) as typeof app.log.warn
  await app.listen({ port: 0, host: '127.0.0.1' })
  const refused = async () => {
    const { body } = await app.inject('/metrics')
    return Number(/refusals_total\{reason="proxy_header"\} (\d+)/.exec(body)?.[1] ?? 0)
  }
  return { app, ports: [(app.server.address() as AddressInfo).port, ...app.nativePorts], warnings, refused }
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`
const from = (address: string) => `PROXY TCP4 ${address} 198.51.100.1 55555 443\r\n`
/** Where the main listener and PeerJS' own both give an id. */
const id = '/peerjs/id'

/** The status that these bytes get, sent at once or each in a packet of its own. NaN where the connection closes without an answer. */
async function ask (t: Test, port: number, ...packets: Array<string | Buffer>): Promise<number> {
  if (packets.length === 1) return answerIn(await exchangeBytes(t, port, packets[0] ?? '')).status
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true })
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('error', () => {}).on('data', (data) => { text += String(data) })
  await once(socket, 'connect')
  for (const packet of packets) {
    await new Promise((resolve) => socket.write(packet, resolve))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await once(socket, 'close')
  return answerIn(text).status
}

t.test('the client’s address is the one in the header, on every listener, however the bytes are split', async (t) => {
  const { ports } = await serve(t, { CONNECT_RATE: '1' })
  for (const [at, port] of ports.entries()) {
    const header = (host: number) => from(`192.0.${at}.${host}`)
    t.equal(await ask(t, port, header(1) + get(id)), 200)
    t.equal(await ask(t, port, header(1), get(id)), 429)
    t.equal(await ask(t, port, ...header(2), get(id)), 200)
    const v2 = binary(0x21, 0x11, `c000${at === 0 ? '00' : '01'}02c6336401d90301bb`)
    t.equal(await ask(t, port, Buffer.concat([v2, Buffer.from(get(id))])), 429)
    t.equal(await ask(t, port, v2.subarray(0, 14), v2.subarray(14), get(id).slice(0, 9), get(id).slice(9)), 429)
    const offering = get(id).replace('connection: close', 'connection: close, upgrade\r\nupgrade: h2c')
    t.equal(await ask(t, port, header(3) + offering), 200)
  }
})

t.test('the sockets of one client count for MAX_CLIENTS_PER_ADDRESS, and those of its neighbours do not', async (t) => {
  const { ports: [port = 0] } = await serve(t, { MAX_CLIENTS_PER_ADDRESS: '1' })
  const hold = async (address: string) => {
    const socket = connectTcp({ port, host: '127.0.0.1' })
    t.teardown(() => socket.destroy())
    socket.write(`${from(address)}GET /health HTTP/1.1\r\nhost: a\r\n\r\n`)
    await once(socket, 'data')
    return socket
  }
  const held = await hold('192.0.2.1')
  t.equal(await ask(t, port, from('192.0.2.1') + get('/tom/id')), 503)
  t.equal(await ask(t, port, from('192.0.2.2') + get('/tom/id')), 200)
  held.destroy()
  await until(async () => await ask(t, port, from('192.0.2.1') + get('/tom/id')) === 200)
})

t.test('with TLS the header comes before the handshake, and an offer of HTTP/2 changes nothing', async (t) => {
  const { env: { TLS_CERT, TLS_KEY }, client } = filesFor(t)
  const { ports } = await serve(t, { TLS_CERT, TLS_KEY, CONNECT_RATE: '1' })
  async function askSecurely (port: number, header: string | Buffer, path: string): Promise<number> {
    const below: Socket = connectTcp({ port, host: '127.0.0.1' })
    below.write(header)
    const socket = connectTls({ socket: below, ...client(), servername: 'localhost' })
    t.teardown(() => socket.destroy())
    let text = ''
    socket.on('data', (data) => { text += String(data) })
    socket.write(get(path).replace('connection: close', 'connection: close, upgrade\r\nupgrade: h2c'))
    await once(socket, 'close')
    return answerIn(text).status
  }
  for (const [at, port] of ports.entries()) {
    const header = (host: number) => from(`192.0.${at}.${host}`)
    t.equal(await askSecurely(port, header(1), id), 200)
    t.equal(await askSecurely(port, header(1), id), 429)
    t.equal(await askSecurely(port, binary(0x21, 0x21, v6), id), at === 0 ? 200 : 429)
  }
})

t.test('a balancer that connects for itself keeps its own address, and may send many requests', async (t) => {
  const { ports: [port = 0] } = await serve(t, { CONNECT_RATE: '1' })
  for (const header of ['PROXY UNKNOWN\r\n', binary(0x20, 0x00, ''), binary(0x21, 0x00, '')]) {
    t.equal(await ask(t, port, Buffer.concat([Buffer.from(header), Buffer.from(get('/health'))])), 200)
  }
})

t.test('a balancer may come by a Unix socket', async (t) => {
  const path = join(temporary(t), 'a.sock')
  const env = { ...trusting, HOST: `unix:${path}`, TRUST_PROXY: 'loopback', CONNECT_RATE: '1', LOG_LEVEL: 'silent' }
  const app = createService(readConfig(env, []))
  t.teardown(async () => await app.close())
  await app.listen({ path })
  const statusOf = async (bytes: string) => answerIn(await exchangeBytes(t, 0, bytes, { path })).status
  t.equal(await statusOf(from('192.0.2.1') + get(id)), 200)
  t.equal(await statusOf(from('192.0.2.1') + get(id)), 429)
  t.equal(await statusOf(from('192.0.2.2') + get(id)), 200)
  t.ok(Number.isNaN(await statusOf(get(id))))
})

t.test('X-Forwarded-For counts only from a client’s address that TRUST_PROXY names', async (t) => {
  const { ports: [port = 0] } = await serve(t, { CONNECT_RATE: '1', TRUST_PROXY: '127.0.0.1, 192.0.2.7' })
  const claiming = (claim: string) => get('/tom/id').replace('host: a', `host: a\r\nx-forwarded-for: ${claim}`)
  t.equal(await ask(t, port, from('192.0.2.1') + claiming('192.0.2.8')), 200)
  t.equal(await ask(t, port, from('192.0.2.1') + claiming('192.0.2.9')), 429)
  t.equal(await ask(t, port, from('192.0.2.7') + claiming('192.0.2.8')), 200, 'a proxy behind the balancer')
  t.equal(await ask(t, port, from('192.0.2.7') + claiming('192.0.2.9')), 200)
})

t.test('from an address that TRUST_PROXY does not name a header is no HTTP, and HTTP is', async (t) => {
  const { ports, refused } = await serve(t, { TRUST_PROXY: '10.0.0.0/8', CONNECT_RATE: '1' })
  for (const [at, port] of ports.entries()) {
    t.equal(await ask(t, port, from('192.0.2.1') + get(id)), 400)
    t.equal(await ask(t, port, get(id)), at === 0 ? 200 : 429, 'of its own address')
  }
  t.equal(await refused(), 0)
})

t.test('from one that it names, whatever is no header closes the connection, is counted, and warned of once', async (t) => {
  const { app, ports, warnings, refused } = await serve(t)
  const bytes = [get('/health'), ...Object.values(invalid)]
  for (const port of ports) for (const each of bytes) t.ok(Number.isNaN(await ask(t, port, each)))
  t.equal(await refused(), ports.length * bytes.length)
  t.equal(warnings.length, 1)
  t.match(warnings[0], /TRUST_PROXY names was closed\. With PROXY_PROTOCOL its first bytes must be a header/)
  t.equal(app.signalbox.gate.connections, 0)
})

t.test('an early end is counted, and warned of where a header had begun', async (t) => {
  const { ports: [port = 0], warnings, refused } = await serve(t)
  const end = async (bytes: string, how: 'end' | 'resetAndDestroy') => {
    const socket = connectTcp({ port, host: '127.0.0.1' }).on('error', () => {})
    await once(socket, 'connect')
    if (bytes !== '') await new Promise((resolve) => socket.write(bytes, resolve))
    socket[how]()
    await once(socket.resume(), 'close')
  }
  await end('', 'end')
  await end('', 'resetAndDestroy')
  await until(async () => await refused() === 2)
  t.same(warnings, [], 'a check by TCP alone')
  await end('PROXY TCP4 192', 'end')
  await until(async () => await refused() === 3)
  t.equal(warnings.length, 1)
})

t.test('a header that does not come in time closes the connection, and none that is waited for delays the end', async (t) => {
  const { app, ports: [port = 0], refused } = await serve(t, {}, { headersTimeout: 100 })
  for (const bytes of ['', 'PROXY TCP4 192']) t.ok(Number.isNaN(await ask(t, port, bytes, '')))
  t.equal(await refused(), 2)
  const patient = await serve(t)
  const socket = connectTcp({ port: patient.ports[0] ?? 0, host: '127.0.0.1' }).on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  t.equal(await ask(t, patient.ports[0] ?? 0, from('192.0.2.1') + get('/health')), 200)
  const startedAt = performance.now()
  await Promise.all([patient.app.close(), once(socket.resume(), 'close')])
  t.ok(performance.now() - startedAt < 5_000)
  t.ok(app.server.listening)
})

t.test('PROXY_PROTOCOL needs a TRUST_PROXY that says by addresses who the balancer is, and a listener of ours', async (t) => {
  for (const TRUST_PROXY of ['false', 'true', '1']) {
    t.throws(() => readConfig({ PROXY_PROTOCOL: 'true', TRUST_PROXY }, []), {
      message: 'PROXY_PROTOCOL: requires a TRUST_PROXY with the addresses or networks of the balancer, such as 10.0.0.0/8 or loopback'
    })
  }
  const app = fastify()
  t.teardown(async () => await app.close())
  const config = readConfig({ ...trusting, LOG_LEVEL: 'silent' }, [])
  await t.rejects(async () => await app.register(signalbox, { config }), {
    message: 'PROXY_PROTOCOL: cannot be combined with an app of yours, whose own listener reads no such header'
  })
})
