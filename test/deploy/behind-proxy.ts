import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTls } from 'node:tls'
import { parseEnv } from 'node:util'
import fastify from 'fastify'
import type { Test } from 'tap'
import type { ClientOptions } from 'ws'
import { signalbox } from '../../src/index.js'
import { readConfig } from '../../src/settings.js'
import { bearing, tokenFor, withSecret } from '../auth/tokens.js'
import { connect, type Env, refusal, until, urlOf } from '../helper.js'
import { start } from '../process.js'
import { type Actor, enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'
import { ask, type StartProxy, type TlsProxy } from './tls-proxies.js'

/** The settings of `docs/deploy.md`, on any port, without a key and with the audit trail in the log. */
const { JWT_PUBLIC_KEY: _key, PORT: _port, AUDIT_LOG: _file, ...settings } = parseEnv(readFileSync(
  new URL('../../deploy/signalbox.env', import.meta.url),
  'utf8'
)) as Env
const origin = String(settings.ALLOWED_ORIGINS)
const generous: Env = { ...settings, CONNECT_RATE: '1000000' }

const subjectOf = (name: string) => builtIn.find((subject) => subject.name === name) as Subject

/** A client with an address of its own that claims another one. */
const from = ({ ca }: TlsProxy, localAddress: string, claim: string): ClientOptions => ({
  ca,
  localAddress,
  headers: { 'x-forwarded-for': claim }
})

async function meet (t: Test, from: Actor, to: Actor, load: unknown = { hello: from.id }): Promise<void> {
  from.signal(to.id, load)
  t.same(await to.hears(), { sender: from.id, load })
}

async function meetBehind (t: Test, proxy: TlsProxy, subject: Subject): Promise<void> {
  const options = { ca: proxy.ca }
  const alice = await enter(t, proxy.url, subject, 'alice', { options })
  const bob = await enter(t, proxy.url, subject, 'bob', { options, place: alice.place })
  await meet(t, alice, bob)
  await meet(t, bob, alice)
  await meet(t, alice, bob, 'x'.repeat(200_000))
  for (const { client } of [alice, bob]) await client.close()
}

/** The promises that hold behind every proxy of `docs/deploy.md`. */
export function holdsBehind (t: Test, startProxy: StartProxy): void {
  t.test('clients of every dialect meet under the prefix, on their own path and at the bare root, and send large frames', async (t) => {
    const { port } = await start(t, generous)
    const proxy = await startProxy(t, { nodes: [port] })
    for (const subject of builtIn) await t.test(subject.name, async (t) => await meetBehind(t, proxy, subject))
    for (const subject of builtIn.filter(({ name }) => name !== 'peerjs')) {
      for (const root of ['', '/']) {
        await t.test(
          `${subject.name} at the root, with path '${root}'`,
          async (t) => await meetBehind(t, proxy, { ...subject, path: () => root })
        )
      }
    }
  })

  t.test('REST answers under the prefix, and beside it nothing does', async (t) => {
    const { port } = await start(t, { ...generous, ALLOW_DISCOVERY: 'true' })
    const proxy = await startProxy(t, { nodes: [port] })
    await enter(t, proxy.url, subjectOf('peerjs'), 'alice', { options: { ca: proxy.ca } })
    await enter(t, proxy.url, subjectOf('drone'), 'bob', { options: { ca: proxy.ca } })
    for (const path of ['/health', '/ready', '/tom/health', '/rooms/id', '/peerjs/id', '/openapi.json', '/']) {
      t.equal((await ask(proxy, path)).status, 200, path)
    }
    t.match((await ask(proxy, '')).body, { name: 'PeerJS Server' })
    t.same((await ask(proxy, '/peerjs/peers')).body, ['alice'])
    t.same((await ask(proxy, '/drone/peers')).body, ['bob'])
    t.same((await ask(proxy, '/nowhere')).body, { error: 'not found' })
    for (const path of ['/metrics', '/%6detrics', '/metrics?a', '//metrics', '/metrics/']) {
      t.equal((await ask(proxy, path)).status, 404, path)
    }
    t.equal((await fetch(`${urlOf(port)}/metrics`)).status, 200, 'which Prometheus asks for past the proxy')
    const outside = { ...proxy, url: new URL(proxy.url).origin }
    for (const path of ['/health', '/signals/health', '/signalhealth']) t.not((await ask(outside, path)).status, 200, path)
  })

  t.test([
    'CONNECT_RATE counts by the address that the proxy saw,',
    'and forging X-Forwarded-For gains nothing, through it or past it'
  ].join(' '), async (t) => {
    const { port } = await start(t, { ...settings, CONNECT_RATE: '3' })
    const proxy = await startProxy(t, { nodes: [port] })
    const ways: Array<[to: string | number, address: string]> = [[proxy.url, '127.0.0.8'], [port, '127.0.0.9']]
    for (const [to, address] of ways) {
      for (const claim of ['127.0.0.10', '10.0.0.1', '10.0.0.2']) await connect(t, to, '/tom', from(proxy, address, claim))
      const { status, headers } = await refusal(t, to, '/tom', from(proxy, address, '10.0.0.3'))
      t.equal(status, 429)
      t.ok(headers['retry-after'], 'which the client gets to see')
    }
    for (let handshake = 0; handshake < 3; handshake++) await connect(t, proxy.url, '/tom', { ca: proxy.ca, localAddress: '127.0.0.10' })
    t.equal((await refusal(t, proxy.url, '/tom', { ca: proxy.ca, localAddress: '127.0.0.10' })).status, 429, 'of its own handshakes alone')
    const statuses = []
    for (let call = 0; call < 4; call++) {
      statuses.push((await ask(proxy, '/tom/id', { localAddress: '127.0.0.11', headers: { 'x-forwarded-for': `10.0.1.${call}` } })).status)
    }
    t.same(statuses, [200, 200, 200, 429])
  })

  t.test('an upgrade that is refused before it has a route is over and counted', async (t) => {
    const { port } = await start(t, { ...generous, METRICS_TOKEN: 'metrics' })
    const proxy = await startProxy(t, { nodes: [port] })
    const refused = ['nowhere', `${'x'.repeat(300)}/id`]
    for (const path of refused) t.not((await refusal(t, proxy.url, `/${path}`, from(proxy, '127.0.0.8', '10.0.0.1'))).status, 101)
    const metrics = await (await fetch(`${urlOf(port)}/metrics`, { headers: { authorization: 'Bearer metrics' } })).text()
    for (const reason of ['not_found', 'bad_request']) t.match(metrics, `signalbox_refusals_total{reason="${reason}"} 1`)
  })

  t.test('a version of TLS below 1.2 is refused', async (t) => {
    const { port } = await start(t, generous)
    const { url, ca } = await startProxy(t, { nodes: [port] })
    const socket = connectTls({
      port: Number(new URL(url).port),
      ca,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0'
    })
    const [error] = await once(socket, 'error') as [NodeJS.ErrnoException]
    t.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  })

  t.test('so do MAX_CLIENTS_PER_ADDRESS, and the guesses of room codes', async (t) => {
    const { port } = await start(t, { ...generous, MAX_CLIENTS_PER_ADDRESS: '2' })
    const proxy = await startProxy(t, { nodes: [port] })
    async function guess (address: string, times: number): Promise<unknown> {
      const client = await connect(t, proxy.url, '/rooms', from(proxy, address, `10.0.0.${times}`))
      let answer
      for (let time = 0; time < times; time++) {
        client.send({ type: 'join', roomId: 'none' })
        answer = (await client.next()).message
      }
      return answer
    }
    t.equal(await guess('127.0.0.8', 11), 'Too many attempts')
    t.equal(await guess('127.0.0.8', 1), 'Too many attempts', 'whatever it claims next')
    t.equal(await guess('127.0.0.9', 1), 'Room not found', 'while others may still try')
    t.equal((await (await connect(t, proxy.url, '/tom', from(proxy, '127.0.0.8', '10.0.0.5'))).closed).code, 1013)
    t.equal(await guess('127.0.0.9', 1), 'Room not found', 'and have sockets left')
  })

  t.test('pages of another origin are refused, and those of ours get their CORS headers', async (t) => {
    const { port } = await start(t, generous)
    const proxy = await startProxy(t, { nodes: [port] })
    t.equal((await refusal(t, proxy.url, '/tom', { ca: proxy.ca, origin: 'https://evil.test' })).status, 403)
    await connect(t, proxy.url, '/tom', { ca: proxy.ca, origin })
    t.equal((await ask(proxy, '/tom/id', { headers: { origin: 'https://evil.test' } })).status, 403)
    t.equal((await ask(proxy, '/tom/id', { headers: { origin } })).headers['access-control-allow-origin'], origin)
  })

  t.test('close codes reach the client, and tokens reach the server and no log of the proxy', async (t) => {
    const { port, child, exited, output } = await start(t, { ...generous, ...withSecret, LOG_LEVEL: 'debug' })
    const proxy = await startProxy(t, { nodes: [port] })
    const { ca } = proxy
    const claims = { sub: 'alice' }
    const token = tokenFor(claims)
    t.same(await (await connect(t, proxy.url, '/tom', { ca })).closed, { code: 1008, reason: 'Unauthorized' })
    t.equal((await (await connect(t, proxy.url, `/tom?token=${token}x`, { ca })).closed).code, 1008)

    const entered = await enter(t, proxy.url, subjectOf('drone'), 'alice', { options: { ca, ...bearing(claims) } })
    const { client } = await enter(
      t,
      proxy.url,
      { ...subjectOf('drone'), path: () => `/drone?token=${token}` },
      'alice',
      { options: { ca } }
    )
    t.equal((await entered.client.closed).code, 4000)
    client.send('x'.repeat(1_100_000))
    t.equal((await client.closed).code, 1009)

    child.kill('SIGKILL')
    await exited
    t.ok((await ask(proxy, `/tom?token=${token}`)).status >= 502, 'there is nobody to ask')
    t.notMatch(await proxy.end(), token)
    t.notMatch(output.stdout + output.stderr, token)
  })

  t.test('a drain passes through: 1001 for those who are connected, 503 for those who come', async (t) => {
    const { port, child, exited } = await start(t, { ...generous, DRAIN_MS: '1000' })
    const proxy = await startProxy(t, { nodes: [port] })
    const clients = []
    for (let client = 0; client < 4; client++) clients.push(await connect(t, proxy.url, '/tom', { ca: proxy.ca }))
    child.kill('SIGTERM')
    await until(async () => (await ask(proxy, '/ready')).status === 503)
    const { status, headers } = await refusal(t, proxy.url, '/tom', { ca: proxy.ca })
    t.equal(status, 503)
    t.ok(headers['retry-after'])
    for (const { closed } of clients) t.equal((await closed).code, 1001)
    t.equal(await exited, 0)
  })

  t.test('where the proxy leaves the prefix, Signalbox answers under it in an app of yours', async (t) => {
    const app = fastify({ trustProxy: String(settings.TRUST_PROXY) })
    t.teardown(async () => await app.close())
    await app.register(signalbox, { prefix: '/signal', config: readConfig(generous, []) })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const proxy = await startProxy(t, { nodes: [Number(new URL(urlOf(app)).port)], takesPrefixAway: false })
    for (const subject of builtIn) await t.test(subject.name, async (t) => await meetBehind(t, proxy, subject))
  })
}
