import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import type { Result } from '../../src/commands/doctor/check.js'
import { readIceUrl } from '../../src/commands/doctor/ice/transport.js'
import { build, type Env, urlOf } from '../helper.js'
import { run } from '../process.js'
import { withSecret } from '../auth/tokens.js'
import { authority, forLoopback } from '../tls/certificates.js'
import { startTurn } from '../turn/coturn.js'
import { examine, names, type Report } from './examine.js'

async function examineWith (env: Env): Promise<Report> {
  return await examine({ ...withSecret, PORT: '0', MAX_CLIENTS: '100', ...env })
}

const here = /^turn:127\.0\.0\.1:\d+/

t.test('a relay is tried over UDP and over TCP, with a packet to itself, and STUN says who we are', async (t) => {
  const { port, env } = await startTurn(t)
  const urls = { ...env, TURN_URLS: `${env.TURN_URLS},${env.TURN_URLS}?transport=tcp`, STUN_URLS: `stun:127.0.0.1:${port}` }
  for (const report of [await examineWith(urls), await examine(withSecret, urlOf(await build(t, { ...withSecret, ...urls })))]) {
    t.match(report.of('stun'), [{ status: 'ok', says: /sees this host as 127\.0\.0\.1$/ }])
    t.match(report.of('turn'), [
      { status: 'warning', says: /relays over udp in .* ms, from 127\.0\.0\.1, which other networks cannot reach/ },
      { status: 'warning', says: /relays over tcp in .* ms/ }
    ])
    names(t, report, 'strict networks', { status: 'warning', says: /no relay over TLS/, fix: /turns:/ })
  }
})

t.test('a relay is tried over TLS, and a certificate that nobody trusts is named', async (t) => {
  const [own, port] = [authority(), await freePort()]
  const { cert, key } = own.issue(forLoopback)
  const directory = t.testdir({ 'cert.pem': cert, 'key.pem': key, 'ca.pem': own.cert })
  const files = [`cert=${join(directory, 'cert.pem')}`, `pkey=${join(directory, 'key.pem')}`]
  const { env } = await startTurn(t, [`tls-listening-port=${port}`, ...files])
  const settings = { ...withSecret, ...env, PORT: '0', TURN_URLS: `turns:127.0.0.1:${port}?transport=tcp` }
  names(t, await examineWith(settings), 'turn', { says: /the chain of its certificate is missing/, fix: /pkey=/ })
  t.match(await inProcess(t, { ...settings, NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem') }), [
    { name: 'turn', says: /relays over tls/ }, { name: 'strict networks', status: 'ok' }
  ])
})

/** Authorities are read when Node starts. */
async function inProcess (t: Test, env: Env): Promise<Result[]> {
  const { output, exited } = run(t, env, ['doctor', '--json'])
  await exited
  const { results } = JSON.parse(output.stdout) as { results: Result[] }
  return results.filter(({ name }) => name === 'turn' || name === 'strict networks')
}

t.test('a TURN_SECRET that is not coturn’s is named', async (t) => {
  const { env } = await startTurn(t)
  names(t, await examineWith({ ...env, TURN_SECRET: 'x'.repeat(32) }), 'turn', {
    says: /refuses the credential \(401\): TURN_SECRET/, fix: /static-auth-secret/
  })
})

t.test('a private relayed address is named', async (t) => {
  const { env } = await startTurn(t, ['external-ip=10.20.30.40/127.0.0.1'])
  names(t, await examineWith(env), 'turn', {
    says: /relays from 10\.20\.30\.40, a private address/, fix: /external-ip=PUBLIC\/10\.20\.30\.40/
  })
})

t.test('a relay that refuses its own address is named', async (t) => {
  const { env } = await startTurn(t, ['denied-peer-ip=127.0.0.1'])
  names(t, await examineWith(env), 'turn', { says: here, fix: /allowed-peer-ip/ })
})

t.test('a relay that nobody reaches, and a URL that no browser reads, are named', async (t) => {
  const port = await freePort()
  const TURN_SECRET = 'x'.repeat(32)
  const udp = await examineWith({ TURN_SECRET, TURN_URLS: `turn:127.0.0.1:${port}`, STUN_URLS: `stun:127.0.0.1:${port}` })
  names(t, udp, 'turn', { says: /nobody answers over udp/, fix: new RegExp(`listening-port=${port}`) })
  names(t, udp, 'stun', { says: /nobody answers over udp/ })
  names(t, await examineWith({ TURN_SECRET, TURN_URLS: `turn:127.0.0.1:${port}?transport=tcp` }), 'turn', { says: /nothing listens there/ })
  names(t, await examineWith({ TURN_SECRET, TURN_URLS: 'turn://127.0.0.1' }), 'turn', { says: /browsers cannot read this URL/ })
})

t.test('URLs are read as browsers read them', async (t) => {
  for (const [url, read] of [
    ['turn:host', { scheme: 'turn', transport: 'udp', host: 'host', port: 3478 }],
    ['turns:host', { scheme: 'turn', transport: 'tls', host: 'host', port: 5349 }],
    ['turn:[::1]:99?transport=tcp', { scheme: 'turn', transport: 'tcp', host: '::1', port: 99 }],
    ['stun:1.2.3.4:1', { scheme: 'stun', transport: 'udp', host: '1.2.3.4', port: 1 }],
    ['stun:host?transport=udp', undefined],
    ['turn:host:port', undefined]
  ] as const) t.same(readIceUrl(url), read, url)
})
