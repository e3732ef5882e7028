import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { ConfigError } from '../../src/config/config-error.js'
import { warningsOf } from '../../src/config/rules.js'
import { signalbox } from '../../src/index.js'
import { listenError } from '../../src/listener/listening.js'
import { listenAtPath } from '../../src/listener/unix-socket.js'
import { createService } from '../../src/service.js'
import { readConfig } from '../../src/settings.js'
import { temporary } from '../deploy/proxy-process.js'
import { connect, type Env, refusal, until } from '../helper.js'
import { run, startAt } from '../process.js'
import { filesFor } from '../tls/secure.js'

/** A path in a directory that is removed with the test. The directory of tap's fixtures has too long a name. */
const pathIn = (t: Test) => join(temporary(t), 'a.sock')

/** The stock server on a Unix socket, closed with the test. */
async function serveAt (t: Test, path: string, env: Env = {}): Promise<FastifyInstance> {
  const app = createService(readConfig({ LOG_LEVEL: 'silent', HOST: `unix:${path}`, ...env }, []))
  t.teardown(async () => await app.close())
  await listenAtPath(path, async () => await app.listen({ path }))
  return app
}

interface Asked {
  readonly headers?: Record<string, string>
  /** The authority of a server with TLS. */
  readonly ca?: string
}

/** The status of a GET over a Unix socket. */
async function ask (socketPath: string, path: string, { headers = {}, ca }: Asked = {}): Promise<number | undefined> {
  const request = ca === undefined
    ? requestHttp({ socketPath, path, headers, agent: false })
    : requestHttps({ socketPath, path, headers, agent: false, ca, servername: 'localhost' })
  const [response] = await once(request.end(), 'response') as [{ statusCode?: number, resume: () => void }]
  response.resume()
  return response.statusCode
}

/** What `connect` takes for a WebSocket over a Unix socket. */
const at = (path: string) => `ws+unix:${path}:`

t.test('HOST=unix:/path serves HTTP and WebSockets there, for the owner and the group, until it ends', async (t) => {
  const path = pathIn(t)
  const { child, exited } = await startAt(t, path)
  t.equal(statSync(path).mode & 0o7777, 0o660)
  t.equal(await ask(path, '/health'), 200)
  const client = await connect(t, at(path), '/drone')
  client.send({ type: 'ping' })
  t.match(await client.next(), { type: 'pong' })
  child.kill('SIGTERM')
  t.equal((await client.closed).code, 1001)
  t.equal(await exited, 0)
  t.notOk(existsSync(path), 'removed')
})

t.test('the mode does not depend on the umask of the process, which stays', async (t) => {
  const before = process.umask()
  t.teardown(() => process.umask(before))
  for (const umask of [0, 0o077]) {
    const path = join(temporary(t), `${umask}.sock`)
    process.umask(umask)
    await serveAt(t, path)
    t.equal(process.umask(), umask)
    t.equal(statSync(path).mode & 0o7777, 0o660)
  }
})

t.test('a socket that a killed server left is taken over; one in use, even by a server that stands still, stops the start', async (t) => {
  const path = pathIn(t)
  const first = await startAt(t, path)
  const refused = async () => {
    const { exited, output } = run(t, { HOST: `unix:${path}` })
    t.equal(await exited, 1)
    t.equal(output.stderr, `signalbox: HOST: unix:${path} is in use by another process\n`)
  }
  await refused()
  t.equal(await ask(path, '/health'), 200, 'whose it is goes on')
  first.child.kill('SIGSTOP')
  await refused()
  first.child.kill('SIGKILL')
  await first.exited
  t.ok(lstatSync(path).isSocket(), 'left behind')
  await startAt(t, path)
  t.equal(await ask(path, '/health'), 200)
})

t.test('nothing but a socket is ever removed', async (t) => {
  const directory = temporary(t)
  const [left, holder] = [join(directory, 'left.sock'), createServer()]
  await once(holder.listen(left), 'listening')
  t.teardown(() => holder.close())
  const places: Record<string, (path: string) => void> = {
    file: (path) => writeFileSync(path, 'precious'),
    directory: (path) => mkdirSync(path),
    link: (path) => symlinkSync(left, path),
    dangling: (path) => symlinkSync(join(directory, 'nowhere'), path)
  }
  for (const [kind, make] of Object.entries(places)) {
    const path = join(directory, kind)
    make(path)
    const before = lstatSync(path)
    await t.rejects(listenAtPath(path, async () => t.fail('listens')), new ConfigError(
      `HOST: invalid value "unix:${path}", expected a path where nothing is, or a socket left behind`
    ))
    t.equal(lstatSync(path).ino, before.ino)
  }
  t.equal(readFileSync(join(directory, 'file'), 'utf8'), 'precious')
})

t.test('a path that no socket can have stops the start, and the message names HOST', async (t) => {
  for (const path of ['a.sock', './a.sock', '', '@abstract', `/${'x'.repeat(107)}`, `/${'é'.repeat(54)}`]) {
    t.throws(() => readConfig({ HOST: `unix:${path}` }, []), {
      name: 'ConfigError',
      message: /^HOST: invalid value "unix:.*", expected unix:\/path with an absolute path of at most 107 bytes$/
    })
  }
  t.equal(readConfig({ HOST: `unix:/${'x'.repeat(106)}` }, []).HOST.length, 112)
  t.throws(() => readConfig({ HOST: 'unix:/a.sock', NATIVE_PORTS: 'tom:3001' }, []), new ConfigError(
    'NATIVE_PORTS: requires a HOST with an address, since a Unix socket has no ports'
  ))
  const path = join(temporary(t), 'none', 'a.sock')
  const error = await serveAt(t, path).then(() => undefined, (error: unknown) => error)
  t.match(listenError(error, { HOST: `unix:${path}` }, 'PORT', '8080'), {
    name: 'ConfigError',
    message: /^HOST: invalid value ".*", expected a path in a directory where this user may make a socket \(EACCES\)$/
  })
})

t.test('clients are told apart by the address that the proxy reports, with TRUST_PROXY=loopback', async (t) => {
  for (const trusted of ['loopback', '127.0.0.1', '1', 'true']) {
    const path = pathIn(t)
    await serveAt(t, path, { TRUST_PROXY: trusted, CONNECT_RATE: '1', MAX_CLIENTS_PER_ADDRESS: '1' })
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      const headers = { 'x-forwarded-for': address }
      await connect(t, at(path), '/tom', { headers })
      t.equal((await refusal(t, at(path), '/tom', { headers })).status, 429)
      t.equal(await ask(path, '/tom/id', { headers }), 200)
      t.equal(await ask(path, '/tom/id', { headers }), 429)
    }
  }
})

t.test('without it they share the limits of one address, 127.0.0.1, which the log says at the start', async (t) => {
  const path = pathIn(t)
  const app = await serveAt(t, path, { CONNECT_RATE: '2', MAX_CLIENTS_PER_ADDRESS: '1' })
  const about = (env: Env) => warningsOf(readConfig({ HOST: `unix:${path}`, ...env }, []))
  t.match(about({}), [/^all clients on the Unix socket of HOST count as one address, .* with TRUST_PROXY=loopback/])
  t.same(about({ TRUST_PROXY: 'loopback' }), [])
  t.same(about({ HOST: '127.0.0.1' }), [])
  const addresses: unknown[] = []
  app.signalbox.events.on('connect', ({ address }) => addresses.push(address))
  const first = await connect(t, at(path), '/tom')
  t.equal((await (await connect(t, at(path), '/tom')).closed).code, 1013)
  t.same(addresses, ['127.0.0.1'])
  await first.close()
  t.equal((await refusal(t, at(path), '/tom')).status, 429)
})

t.test('of the connections past MAX_CLIENTS only those are refused', async (t) => {
  const path = pathIn(t)
  await serveAt(t, path, { MAX_CLIENTS: '2', TRUST_PROXY: 'loopback' })
  const [first] = [await connect(t, at(path), '/drone'), await connect(t, at(path), '/drone')]
  t.equal((await (await connect(t, at(path), '/drone')).closed).code, 1013)
  t.equal(await ask(path, '/tom/id'), 503)
  first.send({ type: 'ping' })
  t.match(await first.next(), { type: 'pong' })
  await first.close()
  await until(async () => await ask(path, '/tom/id') === 200)
})

t.test('with TLS too', async (t) => {
  const path = pathIn(t)
  const { env: { TLS_CERT, TLS_KEY }, client } = filesFor(t)
  await serveAt(t, path, { TLS_CERT, TLS_KEY, TRUST_PROXY: 'loopback', CONNECT_RATE: '1' })
  const { ca } = client()
  for (const address of ['192.0.2.1', '192.0.2.2']) {
    const headers = { 'x-forwarded-for': address }
    t.equal(await ask(path, '/tom/id', { ca, headers }), 200)
    t.equal(await ask(path, '/tom/id', { ca, headers }), 429)
  }
})

t.test('an app of yours may listen on one', async (t) => {
  const path = pathIn(t)
  const app = fastify({ trustProxy: 'loopback', forceCloseConnections: true })
  t.teardown(async () => await app.close())
  await app.register(signalbox, { config: readConfig({ LOG_LEVEL: 'silent', CONNECT_RATE: '1' }, []) })
  await app.listen({ path })
  t.equal(await ask(path, '/tom/id'), 200)
  t.equal(await ask(path, '/tom/id'), 429)
  t.equal(await ask(path, '/tom/id', { headers: { 'x-forwarded-for': '192.0.2.1' } }), 200)
})
