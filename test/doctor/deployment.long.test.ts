import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { judgeAddress } from '../../src/commands/doctor/deployment/addresses.js'
import { build, type Env, urlOf } from '../helper.js'
import { secret, tokenFor, withSecret } from '../auth/tokens.js'
import { authority, forLoopback, type Issuing } from '../tls/certificates.js'
import { secure } from '../tls/secure.js'
import { examine, names, readable } from './examine.js'

const dialects = ['peerjs', 'rooms', 'psync', 'drone', 'tom']
const furtherDialects = ['tracker', 'topics', 'ayame', 'gst']
const now = () => Math.floor(Date.now() / 1000)

async function serverOf (t: Test, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('a guarded deployment is fine: peers of every dialect meet, and tokens do what they should', async (t) => {
  const url = urlOf(await build(t, { ...withSecret, ALLOWED_ORIGINS: 'https://pages.test' }))
  const { code, results, of } = await examine(withSecret, url, '--origin', 'https://pages.test')
  t.same(results.filter(({ status }) => status === 'failure'), [])
  for (const name of [
    'signalbox', 'version', 'ready', 'upgrade', 'needed', 'accepted', 'expired', 'altered', ...dialects,
    'client address', 'claimed address', 'origin', 'cors', 'foreign pages', 'metrics'
  ]) t.equal(of(name)[0]?.status, 'ok', name)
  t.same(results.filter(({ status }) => status === 'warning').map(({ name }) => name), ['strict networks'])
  t.equal(code, 1)
})

t.test('a token from elsewhere will do, for the ids that it has', async (t) => {
  const url = urlOf(await build(t, withSecret))
  const token = tokenFor({ sub: 'alice', ids: ['bob*'], roles: ['admin'] })
  const { results, of } = await examine({}, url, '--token', token)
  t.same(results.filter(({ status }) => status === 'failure'), [])
  for (const name of ['accepted', 'altered', ...dialects, 'client address']) t.equal(of(name)[0]?.status, 'ok', name)
  t.equal(of('expired')[0]?.status, 'skipped')
  const { text } = await readable({}, [url, '--token', token])
  t.notMatch(text, token)
})

t.test('peers of all dialects meet where all are on, open or guarded, and what is off is passed over', async (t) => {
  for (const env of [{}, withSecret]) {
    const report = await examine(env, urlOf(await build(t, { ...env, DIALECTS: 'all' })))
    t.same(report.results.filter(({ status }) => status === 'failure'), [])
    for (const name of [...dialects, ...furtherDialects]) t.equal(report.of(name)[0]?.status, 'ok', name)
  }
  const url = urlOf(await build(t, { ...withSecret, DIALECTS: 'ayame,gst,topics,tracker' }))
  const { of } = await examine({}, url, '--token', tokenFor({ sub: 'alice', ids: ['bob*'], rooms: ['ours-*'] }))
  for (const name of furtherDialects) t.match(of(name)[0], { status: 'ok' }, name)
  const hash = await examine({}, url, '--token', tokenFor({ sub: 'alice', ids: ['bob*'], rooms: ['6f'.repeat(20)] }))
  for (const name of furtherDialects) t.match(hash.of(name)[0], { status: 'ok' }, name)
  const plain = await examine({}, urlOf(await build(t)))
  for (const name of furtherDialects) t.equal(plain.of(name)[0]?.status, 'skipped', name)
})

t.test('an open deployment is warned about', async (t) => {
  const report = await examine({}, urlOf(await build(t)))
  names(t, report, 'needed', { status: 'warning', says: /it is open/, fix: /JWT_SECRET=/ })
  names(t, report, 'foreign pages', { status: 'warning', says: /anybody’s page/, fix: /^ALLOWED_ORIGINS=/ })
  names(t, report, 'metrics', { status: 'warning', says: /open to everybody/ })
  for (const name of dialects) t.equal(report.of(name)[0]?.status, 'ok', name)
  t.equal(report.code, 1)
})

t.test('what is not there is named', async (t) => {
  names(t, await examine({}, `http://127.0.0.1:${await freePort()}`), 'address', { says: /nothing listens there/ })
  names(t, await examine({}, 'http://signalbox.invalid'), 'address', { says: /signalbox\.invalid: / })
  const html = await serverOf(t, (_request, response) => response.setHeader('content-type', 'text/html').end('<h1>Hello</h1>'))
  names(t, await examine({}, html), 'signalbox', { says: /something else is there/ })
  const moved = await serverOf(t, ({ url }, response) => response.writeHead(301, { location: `https://example.com${url}` }).end())
  names(t, await examine({}, moved), 'signalbox', {
    says: /redirected to https:\/\/example\.com/, fix: /^signalbox doctor https:\/\/example\.com$/
  })
  const bad = await serverOf(t, (_request, response) => response.writeHead(502).end('Bad Gateway'))
  names(t, await examine({}, bad), 'signalbox', { says: /a proxy answers 502/, fix: /proxy_pass/ })
})

t.test('a deployment of another version is warned about, and what it says cannot write to the terminal', async (t) => {
  const url = await serverOf(t, ({ url }, response) => {
    const version = `\u001b[31m9.9.9${'x'.repeat(10_000)}`
    const answer = url === '/openapi.json' ? { info: { title: 'Signalbox', version } } : { status: 'ok', uptime: 1 }
    response.end(JSON.stringify(answer))
  })
  const report = await examine({}, url)
  names(t, report, 'version', { status: 'warning', says: /it is Signalbox �\[31m9\.9\.9x+…$/ })
  t.notMatch((await readable({}, [url])).text, '\u001b')
})

t.test('a prefix that reaches Signalbox is named', async (t) => {
  const report = await examine({}, `${urlOf(await build(t))}/signal/`)
  names(t, report, 'signalbox', {
    says: /the prefix \/signal reaches Signalbox/, fix: /location \/signal\/ \{ proxy_pass http:\/\/127\.0\.0\.1:8080\/; \}/
  })
  t.equal(report.of('tom')[0]?.status, 'skipped')
})

t.test('https where there is none, and http where there is https, are named', async (t) => {
  const url = urlOf(await build(t))
  names(t, await examine({}, url.replace('http', 'https')), 'tls', { says: /does not speak TLS/, fix: /signalbox doctor http:/ })
})

t.test('a token that the deployment refuses, and one that nobody asks for, are named', async (t) => {
  const url = urlOf(await build(t, withSecret))
  names(t, await examine({ JWT_SECRET: 'x'.repeat(32) }, url), 'accepted', { says: /the token is refused/, fix: /signalbox token --check/ })
  const expired = tokenFor({ sub: 'alice', exp: now() - 60 })
  names(t, await examine({}, url, '--token', expired), 'accepted', { says: /the token is refused/ })
  names(t, await examine({}, url), 'accepted', { status: 'warning', says: /there is none/, fix: /--token/ })
  names(t, await examine(withSecret, urlOf(await build(t))), 'needed', { says: /asks nobody for a token/ })
})

t.test('a dialect that a token does not allow is named', async (t) => {
  const url = urlOf(await build(t, withSecret))
  const token = tokenFor({ sub: 'alice', ids: ['bob'], dialects: ['tom'] })
  const report = await examine({}, url, '--token', token)
  t.equal(report.of('tom')[0]?.status, 'ok')
  names(t, report, 'peerjs', { says: /closed with 1008/, fix: /signalbox token --sub alice --dialects/ })
})

t.test('keys and prefix of PeerJS are those of the settings', async (t) => {
  const env: Env = { PEERJS_KEY: 'mine', PEERJS_PATH: '/calls' }
  const url = urlOf(await build(t, env))
  t.equal((await examine(env, url)).of('peerjs')[0]?.status, 'ok')
  names(t, await examine({ PEERJS_PATH: '/other' }, url), 'peerjs', { says: /PEERJS_PATH here is not that/ })
  names(t, await examine({ PEERJS_PATH: '/calls' }, url), 'peerjs', { says: /closed with 1008 “Invalid key provided”/ })
})

t.test('pages that may not connect are named', async (t) => {
  const url = urlOf(await build(t, { ALLOWED_ORIGINS: 'https://pages.test' }))
  const report = await examine({}, url, '--origin', 'https://other.test')
  names(t, report, 'origin', {
    says: /pages of https:\/\/other\.test may not connect \(403\)/, fix: /^ALLOWED_ORIGINS=https:\/\/other\.test/
  })
  names(t, report, 'cors', { says: /may not read answers/ })
})

t.test('a deployment that believes any address is named, to an administrator and to a stranger', async (t) => {
  const wrong = { says: /a client can claim any address/, fix: /TRUST_PROXY=127\.0\.0\.1/ }
  names(t, await examine({}, urlOf(await build(t, { TRUST_PROXY: 'true' }))), 'claimed address', wrong)
  names(t, await examine(withSecret, urlOf(await build(t, { ...withSecret, TRUST_PROXY: 'true' }))), 'claimed address', wrong)
})

t.test('the address of a proxy in place of the client’s is named', async (t) => {
  t.match(judgeAddress({ address: '203.0.113.9', local: '192.168.1.2', remote: '198.51.100.1' }), { status: 'ok' })
  t.match(judgeAddress({ address: '127.0.0.1', local: '192.168.1.2', remote: '198.51.100.1' }), {
    status: 'failure', says: /that is the proxy/, fix: /^TRUST_PROXY=127\.0\.0\.1$/m
  })
  t.match(judgeAddress({ address: '172.17.0.1', local: '192.168.1.2', remote: '192.168.1.1' }), {
    status: 'warning', says: /the proxy, or a NAT/, fix: /TRUST_PROXY=172\.17\.0\.1/
  })
})

t.test('a deployment that drains is named', async (t) => {
  const app = await build(t)
  await app.signalbox.connections.drain(0)
  names(t, await examine({}, urlOf(app)), 'ready', { says: /draining/ })
})

t.test('certificates: days, name and chain are named', async (t) => {
  async function reportOf (t: Test, issuing: Issuing) {
    const { cert, key } = authority('Our authority').issue(issuing)
    const directory = t.testdir({ 'cert.pem': cert, 'key.pem': key })
    const { url } = await secure(t, { TLS_CERT: `${directory}/cert.pem`, TLS_KEY: `${directory}/key.pem` })
    return await examine({}, url)
  }
  const dayMs = 86_400_000
  names(t, await reportOf(t, { ...forLoopback, from: -2 * dayMs, to: -dayMs }), 'tls', { says: /has expired/, fix: /certbot renew/ })
  names(t, await reportOf(t, { ...forLoopback, to: 3 * dayMs + 60_000 }), 'tls', { status: 'warning', says: /expires in 3 days/ })
  const other = await reportOf(t, { cn: 'x', alt: [['dns', 'www.example.com']], usage: 'server' })
  names(t, other, 'tls', { says: /is for www\.example\.com, and not for 127\.0\.0\.1/ })
  names(t, other, 'tls', { says: /the chain is missing: one certificate comes alone/, fix: /fullchain\.pem/ })
  t.equal(other.of('accepted')[0]?.status, 'skipped', 'no token goes to a server that has not proven who it is')
})

t.test('nothing secret is printed, whatever is wrong', async (t) => {
  const env: Env = { ...withSecret, METRICS_TOKEN: 'hunter2hunter2', TURN_URLS: 'turn:127.0.0.1:9', TURN_SECRET: 'turn-hunter2' }
  const token = tokenFor({ sub: 'alice', roles: ['admin'] })
  const url = urlOf(await build(t, env))
  for (const argv of [[url], [url, '--json'], [url, '--token', token], []]) {
    const { text } = await readable({ ...env, PORT: '0' }, argv)
    t.notMatch(text, new RegExp(`hunter2|${secret}|${token}`))
    t.notMatch(text, /eyJ[\w-]+\.[\w-]+\.[\w-]+/, 'and no token')
  }
})
