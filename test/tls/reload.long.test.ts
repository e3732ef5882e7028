import { once } from 'node:events'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { connect as connectTls, type SecureVersion } from 'node:tls'
import t from 'tap'
import { connect, until } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'
import { authority, forLoopback } from './certificates.js'
import { filesFor, request, type Secure, secure } from './secure.js'

// Each waits for a second or two until the files are looked at.
t.jobs = 8

const tom = builtIn.find(({ name }) => name === 'tom') as Subject

/** The serial number of the certificate that a listener shows to whoever comes now. */
async function shown (url: string, version: SecureVersion = 'TLSv1.3'): Promise<string> {
  const socket = connectTls({
    port: Number(new URL(url).port),
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    ciphers: 'DEFAULT@SECLEVEL=0'
  })
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

/** Puts another file in the place of one, in one step. */
function replace (path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

/** What a server logs from now on, one text a line. */
function logOf ({ app }: Secure): string[] {
  const lines: string[] = []
  for (const level of ['info', 'warn', 'error'] as const) {
    app.log[level] = (...line: unknown[]) => { lines.push([level, ...line].map((part) => JSON.stringify(part)).join(' ')) }
  }
  return lines
}

const wait = async ({ app }: Secure, ms: number) => await new Promise<void>((resolve) => app.signalbox.timers.schedule(ms, resolve))

t.test('new certificates reach who connects from then on, on all listeners, and open sockets relay on', async (t) => {
  const { env, authority: own, client } = filesFor(t)
  const server = await secure(t, { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY, NATIVE_PORTS: 'tom:0,drone:0' })
  const lines = logOf(server)
  const alice = await enter(t, server.url, tom, 'alice', { options: client() })
  const bob = await enter(t, server.url, tom, 'bob', { options: client() })
  const before = await shown(server.url)
  const { cert, key } = own.issue(forLoopback)
  replace(env.TLS_CERT, cert)
  replace(env.TLS_KEY, key)
  let n = 0
  await until(async () => {
    alice.signal(bob.id, ++n)
    t.equal((await bob.hears()).load, n)
    return await shown(server.url) !== before
  })
  const after = await shown(server.url)
  for (const to of server.native) t.equal(await shown(to), after)
  t.equal((await request(`${server.url}/health`, client())).status, 200, 'and clients trust it')
  for (const to of [server.url, ...server.native]) await t.rejects(shown(to, 'TLSv1.1'), 'within the same bounds')
  alice.signal(bob.id, 'still here')
  t.equal((await bob.hears()).load, 'still here')
  t.equal(lines.filter((line) => /^"info" \{"validTo":".* GMT"\} "TLS certificates reloaded"$/.test(line)).length, 1)
})

t.test('a pair that does not match is logged once, and not used until it does', async (t) => {
  const { env, authority: own } = filesFor(t)
  const server = await secure(t, env)
  const lines = logOf(server)
  const before = await shown(server.url)
  const { cert, key } = own.issue(forLoopback)
  replace(env.TLS_CERT, cert)
  await until(() => lines.length > 0)
  await wait(server, 2_500)
  const reason = 'TLS_KEY: invalid value .*key\\.pem.*, expected the private key of the first certificate in TLS_CERT'
  t.match(lines, [new RegExp(`^"warn" \\{"reason":"${reason}"\\} `)])
  t.equal(lines.length, 1)
  t.equal(await shown(server.url), before)
  replace(env.TLS_KEY, key)
  await until(async () => await shown(server.url) !== before)
  t.match(lines[1], 'reloaded')
})

t.test('a file that holds something else, or is gone, is logged without what it holds', async (t) => {
  const { env, authority: own } = filesFor(t)
  const server = await secure(t, env)
  const lines = logOf(server)
  const before = await shown(server.url)
  const { cert, key } = own.issue(forLoopback)
  const changes: Array<[change: () => void, reason: RegExp]> = [
    [() => writeFileSync(env.TLS_CERT, 'hunter2'), /TLS_CERT: .*cert\.pem.* expected a PEM file with certificates/],
    [() => writeFileSync(env.TLS_CERT, cert.slice(0, 200)), /TLS_CERT: .* expected a PEM file with certificates/],
    [() => {
      replace(env.TLS_CERT, cert)
      replace(env.TLS_KEY, '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n')
    }, /TLS_KEY: .*key\.pem.* expected a PEM file with a private key/],
    [() => { rmSync(env.TLS_KEY) }, /TLS_KEY: .* expected a readable file \(ENOENT\)/],
    [() => { replace(env.TLS_KEY, key); replace(env.TLS_CA, '') }, /TLS_CA: .*ca\.pem.* expected a PEM file with certificates/]
  ]
  for (const [change, reason] of changes) {
    change()
    await until(() => lines.some((line) => reason.test(line)))
    t.notMatch(lines.splice(0).join(), 'hunter2')
    t.equal(await shown(server.url), before)
  }
  replace(env.TLS_CA, own.cert)
  await until(async () => await shown(server.url) !== before)
  t.match(lines.at(-1), 'reloaded')
})

t.test('a change is seen where a link on the way leads elsewhere, as Kubernetes does it', async (t) => {
  const { env, authority: own } = filesFor(t)
  const directory = join(dirname(env.TLS_CERT), 'mounted')
  const version = (name: string) => {
    const { cert, key } = own.issue(forLoopback)
    mkdirSync(join(directory, name), { recursive: true })
    writeFileSync(join(directory, name, 'tls.crt'), cert)
    writeFileSync(join(directory, name, 'tls.key'), key)
    symlinkSync(name, join(directory, `${name}-link`))
    renameSync(join(directory, `${name}-link`), join(directory, '..data'))
  }
  version('..1')
  for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(directory, file))
  const server = await secure(t, { TLS_CERT: join(directory, 'tls.crt'), TLS_KEY: join(directory, 'tls.key') })
  const before = await shown(server.url)
  version('..2')
  rmSync(join(directory, '..1'), { recursive: true })
  await until(async () => await shown(server.url) !== before)
})

t.test('a new authority counts for who connects from then on, and who is connected stays', async (t) => {
  const { env, client, authority: own } = filesFor(t)
  const server = await secure(t, { ...env, TLS_REQUIRE_CLIENT_CERT: 'true' })
  const next = authority('Next authority')
  const ofNext = { ca: own.cert, ...next.issue({ cn: 'bob' }) }
  const health = `${server.url}/health`
  const alice = await connect(t, server.url, '/drone', client({ cn: 'alice' }))
  // Kept by a client that would rather resume its session than show its certificate again.
  const kept = connectTls({ port: Number(new URL(server.url).port), ...client({ cn: 'alice' }), maxVersion: 'TLSv1.2' })
  const [session] = await once(kept, 'session') as [Buffer]
  kept.destroy()
  await t.rejects(request(health, ofNext))
  replace(env.TLS_CA, next.cert)
  await until(async () => await request(health, ofNext).then(({ status }) => status === 200, () => false))
  await t.rejects(request(health, client({ cn: 'alice' })))
  const again = connectTls({ port: Number(new URL(server.url).port), ...client(), session, maxVersion: 'TLSv1.2' })
  await t.rejects(once(again, 'secureConnect'))
  alice.send({ type: 'register', id: 'alice' })
  t.match(await alice.next(), { type: 'registered' })
})

t.test('nobody looks any more once the server is closed', async (t) => {
  const { env } = filesFor(t)
  const server = await secure(t, env)
  const { timers } = server.app.signalbox
  const lines = logOf(server)
  t.equal(timers.size > 0, true)
  await server.app.close()
  writeFileSync(env.TLS_CERT, 'hunter2')
  await new Promise<void>((resolve) => timers.schedule(1_500, resolve))
  t.equal(timers.size, 0)
  t.same(lines, [])
})
