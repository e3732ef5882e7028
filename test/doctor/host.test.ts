import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { hostChecks } from '../../src/commands/doctor/host/index.js'
import { Host, type Machine, thisMachine } from '../../src/commands/doctor/host/host.js'
import { judgeClock, judgeRoundTrip, judgeVersion } from '../../src/commands/doctor/host/redis.js'
import { type Finding, runChecks } from '../../src/commands/doctor/check.js'
import { build, type Env, urlOf } from '../helper.js'
import { authority, forLoopback, type Issuing } from '../tls/certificates.js'
import { filesFor } from '../tls/secure.js'
import { secret } from '../auth/tokens.js'
import { examine, names, readable } from './examine.js'

const dayMs = 86_400_000

/** Settings of which nothing is wrong but what a test adds. */
async function sound (more: Env = {}): Promise<Env> {
  return { HOST: '127.0.0.1', PORT: String(await freePort()), MAX_CLIENTS: '100', JWT_SECRET: secret, ...more }
}

/** What a check says of another machine. */
async function onMachine (machine: Partial<Machine>, name: string, env: Env): Promise<Finding | undefined> {
  const host = new Host(env, [], { ...thisMachine(), ...machine })
  const wanted = hostChecks.filter((check) => ['plugins', 'settings', name].includes(check.name))
  const results = await runChecks(wanted, host, { began () {}, ended () {} })
  return results.find((result) => result.name === name)
}

t.test('a sound host is fine but for the TURN server that it lacks', async (t) => {
  const { code, results } = await examine(await sound())
  t.same(results.filter(({ status }) => status === 'failure'), [])
  t.same(results.filter(({ status }) => status === 'warning').map(({ name }) => name), ['strict networks'])
  t.equal(code, 1)
})

t.test('a setting that it cannot take is named, with what it accepts, and nothing is looked at that needs it', async (t) => {
  const report = await examine({ PORT: 'http' })
  names(t, report, 'settings', {
    says: /^PORT: invalid value "http"/,
    fix: /^# an integer from 0 to 65535\nPORT=8080\n# see docs\/errors\.md#at-the-start$/
  })
  names(t, report, 'ports', { status: 'skipped', says: /because of “settings”/, fix: /^$/ })
})

t.test('a plugin that cannot be loaded, and one that does not start, are named', async (t) => {
  names(t, await examine(await sound({ PLUGINS: './nowhere.js' })), 'plugins', { says: /PLUGINS: cannot load ".\/nowhere.js"/ })
  const file = join(t.testdir({ 'package.json': '{"type":"module"}' }), 'broken.js')
  writeFileSync(file, 'export default async () => { throw new Error("out of tea") }')
  names(t, await examine(await sound({ PLUGINS: file })), 'start', { says: /out of tea/, fix: /PLUGINS=/ })
})

t.test('a secret that is easily guessed is warned about, and never shown', async (t) => {
  const hidden = 'hunter2hunter2'
  const env = await sound({ METRICS_TOKEN: hidden })
  const { code, results } = await examine(env)
  t.ok(results.some(({ status, says }) => status === 'warning' && says.startsWith('METRICS_TOKEN has fewer than 32 bytes')))
  t.equal(code, 1)
  t.notMatch(JSON.stringify(results) + (await readable(env, [])).text, new RegExp(`${hidden}|${secret}`))
})

t.test('a server that is open to everybody is warned about', async (t) => {
  const { JWT_SECRET, ...open } = await sound()
  names(t, await examine(open), 'access', { status: 'warning', says: /everybody may connect/, fix: /JWT_SECRET=/ })
})

t.test('a port that another process has is named, with the setting that changes it', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  t.teardown(() => holder.close())
  await once(holder, 'listening')
  const { port } = holder.address() as { port: number }
  names(t, await examine(await sound({ PORT: String(port) })), 'ports', {
    says: new RegExp(`^PORT: ${port} is in use by another process`), fix: new RegExp(`^PORT=${port + 1}$`)
  })
  names(t, await examine(await sound({ NATIVE_PORTS: `tom:${port}` })), 'ports', {
    says: new RegExp(`^NATIVE_PORTS: tom:${port} is in use`), fix: new RegExp(`^NATIVE_PORTS=tom:${port + 1}$`)
  })
})

t.test('a port that a Signalbox has is a warning', async (t) => {
  const port = new URL(urlOf(await build(t))).port
  names(t, await examine(await sound({ PORT: port })), 'ports', { status: 'warning', says: /a Signalbox that runs already/ })
})

t.test('an address that the machine does not have is named', async (t) => {
  names(t, await examine(await sound({ HOST: '203.0.113.9' })), 'ports', { says: /^HOST: .*EADDRNOTAVAIL/, fix: /HOST=/ })
})

t.test('an audit log in a folder that is not there is named', async (t) => {
  names(t, await examine(await sound({ AUDIT_LOG: join(t.testdir(), 'no/where.log') })), 'files', {
    says: /AUDIT_LOG cannot be written.*ENOENT/, fix: /install -d/
  })
  const report = await examine(await sound({ AUDIT_LOG: join(t.testdir(), 'audit.log') }))
  t.match(report.of('files'), [{ status: 'ok' }])
})

t.test('certificates: what is wrong with the files, the days, the names and the chain is named', async (t) => {
  const own = authority('Our authority')
  async function withCertificate (t: Test, issuing: Issuing, keyOf?: string): Promise<Env> {
    const { cert, key } = own.issue(issuing)
    const directory = t.testdir({ 'cert.pem': cert, 'key.pem': keyOf ?? key })
    chmodSync(join(directory, 'key.pem'), 0o600)
    return await sound({ TLS_CERT: join(directory, 'cert.pem'), TLS_KEY: join(directory, 'key.pem') })
  }

  await t.test('a file that is not there', async (t) => {
    const env = await withCertificate(t, forLoopback)
    names(t, await examine({ ...env, TLS_CERT: '/no/cert.pem' }), 'certificate', { says: /^TLS_CERT: .*ENOENT/ })
  })
  await t.test('a key of another certificate', async (t) => {
    const env = await withCertificate(t, forLoopback, own.issue(forLoopback).key)
    names(t, await examine(env), 'certificate', { says: /^TLS_KEY: .*the private key of the first certificate/ })
  })
  await t.test('a key that everybody may read', async (t) => {
    const { env } = filesFor(t)
    chmodSync(env.TLS_KEY, 0o644)
    names(t, await examine(await sound(env)), 'files', { status: 'warning', says: /everybody .* may read/, fix: /^chmod o= / })
  })
  await t.test('one that has expired', async (t) => {
    const env = await withCertificate(t, { ...forLoopback, from: -2 * dayMs, to: -dayMs })
    names(t, await examine(env), 'days', { says: /has expired on 20/, fix: /certbot renew/ })
  })
  await t.test('one that expires soon', async (t) => {
    const env = await withCertificate(t, { ...forLoopback, to: 5 * dayMs + 60_000 })
    names(t, await examine(env), 'days', { status: 'warning', says: /expires in 5 days/ })
  })
  await t.test('one that is not valid yet', async (t) => {
    names(t, await examine(await withCertificate(t, { ...forLoopback, from: dayMs, to: 2 * dayMs })), 'days', { says: /valid from 20/ })
  })
  await t.test('one without names that browsers look at', async (t) => {
    names(t, await examine(await withCertificate(t, { cn: 'localhost', usage: 'server' })), 'names', { says: /no subjectAltName/ })
  })
  await t.test('one whose authority nobody knows, and which comes alone', async (t) => {
    names(t, await examine(await withCertificate(t, forLoopback)), 'chain', {
      says: /the chain is missing: one certificate comes alone, and clients do not know “Our authority”/, fix: /fullchain\.pem/
    })
  })
})

t.test('a machine that cannot carry MAX_CLIENTS is warned about', async (t) => {
  const env = await sound({ MAX_CLIENTS: '5000' })
  const files = await onMachine({ openFiles: 1024 }, 'open files', env)
  t.match(files, { status: 'warning', says: /past 928 are refused/, fix: /LimitNOFILE=5096/ })
  const memory = await onMachine({ memory: 150_000_000 }, 'memory', env)
  t.match(memory, { status: 'warning', says: /there are 143 MiB/, fix: /MAX_CLIENTS=2500/ })
  t.match(await onMachine({ memory: 8e9, heap: 150_000_000 }, 'memory', env), { status: 'warning', fix: /--max-old-space-size=191/ })
  t.match(await onMachine({ memory: 8e9, heap: 4e9, openFiles: Infinity }, 'memory', env), { status: 'ok' })
})

t.test('a Node that is too old is named', async (t) => {
  for (const [node, status] of [['v18.20.4', 'failure'], ['v20.18.9', 'failure'], ['v20.19.0', 'ok'], ['v22.1.0', 'ok']] as const) {
    t.equal((await onMachine({ node }, 'node', await sound()))?.status, status, node)
  }
})

t.test('a Redis that is too old, slow, or at another time is named', async (t) => {
  const version = (name: string, number: string) => `# Server\r\n${name}_version:${number}\r\n`
  t.match(judgeVersion(version('redis', '6.0.16'), false), { status: 'failure', says: /6\.2 or newer/ })
  t.match(judgeVersion(version('redis', '6.2.14'), false), { status: 'ok' })
  t.match(judgeVersion(version('redis', '6.2.14'), true), { status: 'failure', says: /7\.0 or newer/ })
  t.match(judgeVersion(version('redis', '7.2.4') + version('valkey', '8.0.1'), true), { status: 'ok', says: 'Valkey 8.0.1' })
  t.match(judgeRoundTrip(80), { status: 'warning', says: /80\.0 ms/ })
  const now = Date.now()
  t.match(judgeClock(now - 60_000, now, now), { status: 'warning', says: /by 60 s/ })
  t.match(judgeClock(now - 1_000, now, now), { status: 'ok' })
})

t.test('a terminal shows which check runs, and what was found below its group', async (t) => {
  const { text: raw, code } = await readable(await sound(), [], true)
  const text = raw.replaceAll('\r\u001b[K', '<')
  t.equal(code, 1)
  t.match(text, /^Settings\n {2}… plugins< {2}✓ plugins: none\n/)
  t.match(text, /\n\nMachine\n/)
  t.match(text, /< {2}! strict networks: [^\n]+\n {6}TURN_URLS=[^\n]+\n/)
  t.match(text, /\n! \d+ fine, 1 warning, \d+ not looked at\n$/)
})

t.test('arguments that make no sense are a failure of one line', async (t) => {
  t.equal((await readable({}, ['ftp://host'])).code, 2)
  t.equal((await readable({}, ['http://one', 'http://two'])).code, 2)
})
