import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { subjectOf } from '../../src/auth/certificate.js'
import { begin, connect } from '../helper.js'
import { authority, type Issuing } from './certificates.js'
import { type Credentials, filesFor, request, secure } from './secure.js'

const required = { TLS_REQUIRE_CLIENT_CERT: 'true', NATIVE_PORTS: 'tom:0,drone:0' }

t.test('where certificates are required nobody gets through the handshake without a good one', async (t) => {
  const { env, client, authority: own } = filesFor(t)
  const { url, native, app } = await secure(t, { ...env, ...required })
  const foreign = authority()
  const impostor = authority('Test authority')
  const bad: Record<string, Credentials> = {
    'no certificate': client(),
    'another authority': { ca: own.cert, ...foreign.issue({ cn: 'alice' }) },
    'another authority of the same name': { ca: own.cert, ...impostor.issue({ cn: 'alice' }) },
    'signed by nobody else': { ca: own.cert, cert: foreign.cert, key: foreign.key },
    expired: client({ cn: 'alice', from: -7_200_000, to: -1_000 }),
    'not valid yet': client({ cn: 'alice', from: 60_000 }),
    'for servers only': client({ cn: 'alice', usage: 'server' })
  }
  for (const to of [url, ...native]) {
    for (const [kind, credentials] of Object.entries(bad)) {
      await t.rejects(request(`${to}/health`, credentials), kind)
      const { code } = await begin(t, to, to === url ? '/tom' : '/', credentials).closed
      t.equal(code, 1006, kind)
    }
    t.equal((await request(`${to}/health`, client({ cn: 'alice' }))).status, 200)
    t.equal((await request(`${to}/health`, client({ cn: 'alice', usage: 'client' }))).status, 200)
  }
  t.equal(app.signalbox.connections.size, 0)
})

t.test('where they are not, a bad one is none', async (t) => {
  const { env, client, authority: own } = filesFor(t)
  const { url } = await secure(t, env)
  const others = [authority('Other'), authority('Test authority')]
  for (const credentials of [
    client(),
    ...others.map((foreign) => ({ ca: own.cert, ...foreign.issue({ cn: 'alice' }) })),
    client({ cn: 'alice', from: -7_200_000, to: -1_000 })
  ]) {
    const somebody = await connect(t, url, '/drone', credentials)
    somebody.send({ type: 'register', id: 'anybody' })
    t.match(await somebody.next(), { type: 'registered' })
    await somebody.close()
  }
  const alice = await connect(t, url, '/drone', client({ cn: 'alice' }))
  alice.send({ type: 'register', id: 'bob' })
  t.same(await alice.next(), { type: 'error', message: 'not allowed' }, 'a good one binds to its name')
  alice.send({ type: 'register', id: 'alice' })
  t.match(await alice.next(), { type: 'registered' })
  const rival = await connect(t, url, '/drone', client())
  rival.send({ type: 'register', id: 'alice' })
  t.match(await rival.next(), { type: 'error' }, 'and nobody without it takes the name over')
  alice.send({ type: 'ping' })
  // The leave of one of those before may be told first.
  t.ok(await alice.nextOf('pong'))
})

t.test('without TLS_CA no certificate is asked for, and none counts', async (t) => {
  const { env: { TLS_CERT, TLS_KEY }, client } = filesFor(t)
  const { url } = await secure(t, { TLS_CERT, TLS_KEY })
  const alice = await connect(t, url, '/drone', client({ cn: 'alice' }))
  alice.send({ type: 'register', id: 'bob' })
  t.match(await alice.next(), { type: 'registered', id: 'bob' })
})

t.test('a resumed session knows the client, too', async (t) => {
  const { env, client } = filesFor(t)
  const { url } = await secure(t, { ...env, ...required, ALLOW_DISCOVERY: 'true' })
  const port = Number(new URL(url).port)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { port, ...client({ cn: 'alice' }), minVersion: version, maxVersion: version }
    const first = connectTls(options)
    const [session] = await once(first, 'session') as [Buffer]
    first.destroy()
    const again = connectTls({ ...options, session })
    await once(again, 'secureConnect')
    t.equal(again.isSessionReused(), true, version)
    again.write('GET /tom/peers HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    const [answer] = await once(again, 'data') as [Buffer]
    t.match(answer.toString(), /^HTTP\/1\.1 200 /)
    again.destroy()
  }
})

const { issue } = authority()
const nameIn = (issuing: Issuing) => subjectOf(new X509Certificate(issue(issuing).cert))

t.test('a certificate names its CN, or without one its first alternative name', async (t) => {
  t.equal(nameIn({ cn: 'alice' }), 'alice')
  t.equal(nameIn({ cn: 'alice', organisation: 'acme', alt: [['dns', 'other.test']] }), 'alice')
  t.equal(nameIn({ cn: 'Zoë, "the" CN=x + y\\z' }), 'Zoë, "the" CN=x + y\\z')
  t.equal(nameIn({ alt: [['dns', 'alice.test'], ['dns', 'other.test']] }), 'alice.test')
  t.equal(nameIn({ alt: [['uri', 'spiffe://acme.test/alice']] }), 'spiffe://acme.test/alice')
  t.equal(nameIn({ alt: [['email', 'alice@acme.test'], ['dns', 'other.test']] }), 'alice@acme.test')
  t.equal(nameIn({ alt: [['ip', Buffer.from([10, 0, 0, 1])], ['dns', 'alice.test']] }), 'alice.test', 'an address is no name')
  t.equal(nameIn({ organisation: 'acme', alt: [['dns', 'alice.test']] }), 'alice.test')
})

t.test('no value passes for another: what looks like an entry or a quote is part of a name', async (t) => {
  t.equal(nameIn({ organisation: 'acme\nCN=bob', alt: [['dns', 'alice']] }), 'alice')
  t.equal(nameIn({ organisation: 'acme+CN=bob', cn: 'alice' }), 'alice')
  for (const value of ['x, DNS:bob', '"bob"', 'a"b', 'a\\b', '"bob", DNS:x', 'DNS:bob', 'o\'neil']) {
    t.equal(nameIn({ alt: [['dns', value], ['dns', 'bob']] }), value)
    t.equal(nameIn({ alt: [['uri', value]] }), value)
  }
  t.equal(nameIn({ cn: 'DNS:bob' }), 'DNS:bob')
})

t.test('a certificate that does not name exactly one is nobody’s', async (t) => {
  t.equal(nameIn({}), undefined)
  t.equal(nameIn({ organisation: 'acme' }), undefined)
  t.equal(nameIn({ cn: ['alice', 'bob'] }), undefined)
  t.equal(nameIn({ cn: ['alice', 'alice'] }), undefined)
  t.equal(nameIn({ cn: '', alt: [['dns', 'alice']] }), undefined)
  t.equal(nameIn({ cn: 'a\u0000b', alt: [['dns', 'alice']] }), undefined)
  t.equal(nameIn({ cn: 'alice\nbob' }), undefined)
  t.equal(nameIn({ cn: 'x'.repeat(257) }), undefined)
  t.equal(nameIn({ alt: [['dns', 'alice\u0000.test']] }), undefined)
  t.equal(nameIn({ alt: [['dns', '']] }), undefined)
  t.equal(nameIn({ alt: [['ip', Buffer.from([10, 0, 0, 1])]] }), undefined)

  const { env, client } = filesFor(t)
  const { url } = await secure(t, { ...env, ...required })
  const nobody = client({ organisation: 'acme' })
  t.same(await begin(t, url, '/tom', nobody).closed, { code: 1008, reason: 'Unauthorized' })
  t.equal((await request(`${url}/health`, nobody)).status, 200)
})
