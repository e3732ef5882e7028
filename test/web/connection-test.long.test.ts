import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { startChromium } from '../browser/browser.js'
import { runNginx, temporary } from '../deploy/proxy-process.js'
import { build, type Env, until, urlOf } from '../helper.js'
import { authority, forLoopback } from '../tls/certificates.js'
import { startTurn } from '../turn/coturn.js'
import { type Browsing, browse, fits, isAccessible } from './browse.js'
import { natTo } from './nat.js'

/** That of coturn is our own. */
const browser = await startChromium(t, '--ignore-certificate-errors')
/** Of the relays, wherever they are. */
const externalAddress = '203.0.113.7'

/** What a refused WebSocket or request leaves on a browser's console. */
const refused = /WebSocket connection to|Failed to load resource/

/** A coturn for all transports, behind a NAT for STUN, and the settings with which Signalbox gives it to clients. */
async function startServers (t: Test, { isPublic = true } = {}): Promise<Env> {
  const tlsPort = await freePort()
  const { cert, key } = authority().issue(forLoopback)
  const directory = t.testdir({ 'cert.pem': cert, 'key.pem': key })
  const { port, env } = await startTurn(t, [
    `tls-listening-port=${tlsPort}`,
    `cert=${directory}/cert.pem`,
    `pkey=${directory}/key.pem`,
    ...(isPublic ? [`external-ip=${externalAddress}/127.0.0.1`] : [])
  ])
  return { ...env, ...urlsOf(port, tlsPort, await natTo(t, port)) }
}

const urlsOf = (port: number, tlsPort: number, stunPort: number): Env => ({
  TURN_URLS: `turn:127.0.0.1:${port},turn:127.0.0.1:${port}?transport=tcp,turns:127.0.0.1:${tlsPort}`,
  STUN_URLS: `stun:127.0.0.1:${stunPort}`
})

/** nginx before a node, which removes `/signal/`, with these lines in its location. */
async function startNginx (t: Test, node: string, lines: string[]): Promise<string> {
  const [directory, port] = [temporary(t), await freePort()]
  const temporaries = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`)
  writeFileSync(join(directory, 'nginx.conf'), `pid ${directory}/nginx.pid; events {} http { access_log off; error_log stderr;
    ${temporaries.join(' ')}
    server { listen 127.0.0.1:${port}; location /signal/ { proxy_pass ${node}/; proxy_set_header Host $http_host; ${lines.join(' ')} } } }`)
  await runNginx(t, directory)
  const url = `http://127.0.0.1:${port}`
  await until(async () => await fetch(`${url}/signal/ready`).then(({ status }) => status === 200, () => false))
  return url
}

const passUpgrades = ['proxy_http_version 1.1;', 'proxy_set_header Upgrade $http_upgrade;', 'proxy_set_header Connection upgrade;']

async function open (t: Test, server: Parameters<typeof browse>[2], path: string, options: Browsing = {}): Promise<Page> {
  return await browse(t, browser, server, path, { expected: refused, ...options })
}

interface Result {
  readonly mark: string | undefined
  readonly text: string
}

/** What the page says in the end, by the name of the check. */
async function resultsOf (page: Page): Promise<Record<string, Result>> {
  await page.waitForFunction(() => {
    const text = document.querySelector('[role=status]')?.textContent ?? ''
    return text !== '' && !text.includes('checks done')
  }, undefined, { timeout: 90_000 })
  return Object.fromEntries(await page.locator('.check').evaluateAll((rows) => rows.map((row) => [
    row.id,
    { mark: (row as HTMLElement).dataset.mark, text: (row as HTMLElement).innerText }
  ])))
}

const marksOf = (results: Record<string, Result>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(results).map(([name, { mark }]) => [name, mark]))

const allPass = {
  'secure-context': 'pass',
  server: 'pass',
  origin: 'pass',
  websocket: 'pass',
  'round-trip': 'pass',
  silence: 'pass',
  'ice-servers': 'pass',
  candidates: 'pass',
  stun: 'pass',
  'turn-udp': 'pass',
  'turn-tcp': 'pass',
  'turn-tls': 'pass'
}

t.test('everything passes against a real TURN server, over each transport, and the report says so', async (t) => {
  const app = await build(t, await startServers(t))
  const page = await open(t, app, '/test?silence=2', { permissions: ['clipboard-read', 'clipboard-write'] })
  const results = await resultsOf(page)
  t.same(marksOf(results), allPass)
  t.match(results.candidates?.text, /host[^]*srflx[^]*relay/)
  for (const name of ['turn-udp', 'turn-tcp', 'turn-tls']) t.match(results[name]?.text, /relays: a message took \d+ ms/)
  await page.getByText('Everything works').waitFor()

  await page.getByRole('button', { name: 'Copy report' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  const report = await page.evaluate(async () => await navigator.clipboard.readText())
  t.match(report, '- ✓ **TURN over TLS**')
  t.match(report, `- Page: ${urlOf(app)}/test\n`)
})

t.test('a page in the middle of its run, and one with faults, are accessible and narrow', async (t) => {
  const app = await build(t)
  const page = await open(t, app, '/test?silence=600', { viewport: { width: 360, height: 700 } })
  await page.getByRole('progressbar', { name: 'Silence' }).waitFor()
  await page.getByText('Not tested: no TURN server is configured.').last().waitFor()
  async function looksWell () {
    await fits(t, page)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await isAccessible(t, page)
    }
  }
  await looksWell()
  await page.getByRole('button', { name: 'Skip' }).click()
  const results = await resultsOf(page)
  t.match(results.silence, { mark: 'skip', text: /Skipped after \d+ s/ })
  t.match(results['ice-servers'], { mark: 'warn', text: /No TURN server is configured, and no STUN server[^]*TURN_URLS[^]*TURN_SECRET/ })
  t.match(results.stun, { mark: 'skip', text: /STUN_URLS/ })
  await looksWell()
})

t.test('a wrong TURN_SECRET is named', async (t) => {
  const app = await build(t, { ...await startServers(t), TURN_SECRET: 'a secret that coturn has not' })
  const results = await resultsOf(await open(t, app, '/test?silence=1'))
  t.same(marksOf(results), { ...allPass, 'turn-udp': 'fail', 'turn-tcp': 'fail', 'turn-tls': 'fail' })
  for (const name of ['turn-udp', 'turn-tcp', 'turn-tls']) {
    t.match(results[name]?.text, /credential[^]*401[^]*TURN_SECRET[^]*static-auth-secret/)
  }
})

t.test('a TURN server and a STUN server that are down are named', async (t) => {
  const [port, tlsPort, stunPort] = [await freePort(), await freePort(), await freePort()]
  const app = await build(t, { ...urlsOf(port, tlsPort, stunPort), TURN_SECRET: 's'.repeat(32) })
  const results = await resultsOf(await open(t, app, '/test?silence=1'))
  t.same(marksOf(results), { ...allPass, stun: 'fail', 'turn-udp': 'fail', 'turn-tcp': 'fail', 'turn-tls': 'fail' })
  t.match(results.stun?.text, new RegExp(`does not answer[^]*701[^]*STUN_URLS[^]*UDP port ${stunPort}`))
  t.match(results['turn-udp']?.text, new RegExp(`does not answer[^]*TURN_URLS[^]*UDP port ${port}`))
  t.match(results['turn-tcp']?.text, new RegExp(`No connection[^]*TCP port ${port}`))
  t.match(results['turn-tls']?.text, new RegExp(`No TLS connection[^]*TCP port ${tlsPort}`))
})

t.test('a relayed address that is private is warned about', async (t) => {
  const app = await build(t, await startServers(t, { isPublic: false }))
  const results = await resultsOf(await open(t, app, '/test?silence=1'))
  t.same(marksOf(results), { ...allPass, 'turn-udp': 'warn', 'turn-tcp': 'warn', 'turn-tls': 'warn' })
  t.match(results['turn-udp']?.text, /127\.0\.0\.1, is private[^]*external-ip/)
})

t.test('TURN URLs for UDP alone are warned about', async (t) => {
  const { TURN_URLS = '', ...env } = await startServers(t)
  const app = await build(t, { ...env, TURN_URLS: String(TURN_URLS.split(',')[0]) })
  const results = await resultsOf(await open(t, app, '/test?silence=1'))
  t.same(marksOf(results), { ...allPass, 'turn-tcp': 'warn', 'turn-tls': 'warn' })
  t.match(results['turn-tcp']?.text, /block UDP[^]*\?transport=tcp/)
})

t.test('an origin that is not allowed is named, with what to add to ALLOWED_ORIGINS', async (t) => {
  const app = await build(t, { ALLOWED_ORIGINS: 'https://elsewhere.test' })
  const results = await resultsOf(await open(t, app, '/test?silence=1'))
  for (const name of ['origin', 'websocket']) {
    t.match(results[name], { mark: 'fail', text: new RegExp(`Add ${urlOf(app)} to ALLOWED_ORIGINS`) })
  }
  t.equal(results.server?.mark, 'pass')
  t.equal(results.silence?.mark, 'skip')
})

t.test('a WebSocket upgrade that nginx does not pass on is named, with its lines', async (t) => {
  const nginx = await startNginx(t, urlOf(await build(t)), [])
  const results = await resultsOf(await open(t, nginx, '/signal/test?silence=1'))
  t.match(results, { server: { mark: 'pass' }, origin: { mark: 'pass' }, websocket: { mark: 'fail' }, 'round-trip': { mark: 'skip' } })
  t.match(results.websocket?.text, /a proxy does not pass the upgrade on/)
  t.match(results.websocket?.text, 'proxy_set_header Upgrade $http_upgrade;')
})

t.test('a proxy that cuts silent sockets is named, with its timeout', async (t) => {
  const nginx = await startNginx(t, urlOf(await build(t)), [...passUpgrades, 'proxy_read_timeout 2s;'])
  const results = await resultsOf(await open(t, nginx, '/signal/test?silence=8'))
  t.match(results, { websocket: { mark: 'pass' }, 'round-trip': { mark: 'pass' }, silence: { mark: 'fail' } })
  t.match(results.silence?.text, /cut after \d(\.\d)? s of silence[^]*every 30 s[^]*proxy_read_timeout 90s/)
})

t.test('pings of the server keep a socket open through the same proxy, and the page says what that shows', async (t) => {
  const app = await build(t, { HEARTBEAT_INTERVAL: '1000' })
  const nginx = await startNginx(t, urlOf(app), [...passUpgrades, 'proxy_read_timeout 2s;'])
  const { silence } = await resultsOf(await open(t, nginx, '/signal/test?silence=5'))
  t.match(silence, { mark: 'pass', text: /pinged it every 1 s[^]*does not show/ })
})

t.test('too many requests are told apart from a proxy’s faults', async (t) => {
  const full = await resultsOf(await open(t, await build(t, { CONNECT_RATE: '8' }), '/test?silence=1'))
  t.match(Object.values(full).map(({ text }) => text).join(), /too many requests[^]*TRUST_PROXY[^]*CONNECT_RATE/)
})

t.test('with auth on, a token makes the rest testable, and the report has neither it nor a credential', async (t) => {
  const app = await build(t, { ...withSecret, ...await startServers(t) })
  const page = await open(t, app, '/test?silence=1', { permissions: ['clipboard-read', 'clipboard-write'] })
  const without = await resultsOf(page)
  const untested = ['round-trip', 'silence', 'ice-servers', 'stun', 'turn-udp', 'turn-tcp', 'turn-tls']
  t.same(marksOf(without), { ...allPass, ...Object.fromEntries(untested.map((name) => [name, 'skip'])) })
  t.match(without.websocket?.text, /as it should/)
  await isAccessible(t, page)

  async function testWithToken () {
    await page.getByRole('button', { name: 'Test with it' }).click()
    await page.getByText('checks done').waitFor()
  }

  const field = page.getByLabel('This server asks for a token')
  await field.fill(tokenFor({ sub: 'alice' }).slice(0, -3) + 'xxx')
  await testWithToken()
  t.match(await resultsOf(page), {
    websocket: { mark: 'fail', text: /1008[^]*does not accept the token[^]*JWT_SECRET/ },
    'ice-servers': { mark: 'fail', text: /does not accept the token/ }
  })

  const token = tokenFor({ sub: 'alice' })
  await field.fill(` ${token} `)
  await testWithToken()
  t.same(marksOf(await resultsOf(page)), allPass)
  await page.getByRole('button', { name: 'Copy report' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  const report = await page.evaluate(async () => await navigator.clipboard.readText())
  t.match(report, '- Token: given')
  for (const secret of [token, token.split('.')[2] as string, ':alice', 'credential":']) t.notMatch(report, secret)
})
