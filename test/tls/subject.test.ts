import t from 'tap'
import { inSeconds, invalidToken, lastWords, notAllowed, tokenFor, withSecret } from '../auth/tokens.js'
import { begin, connect, until } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, subjects } from '../routes/dialects.js'
import { type Credentials, filesFor, request, secure } from './secure.js'

const required = { TLS_REQUIRE_CLIENT_CERT: 'true' }
const ok = { type: 'auth', ok: true }

/** A certificate, and a token beside it. */
const bearing = (credentials: Credentials, claims: object) => ({ ...credentials, headers: { authorization: `Bearer ${tokenFor(claims)}` } })
const refresh = (claims: object) => ({ type: 'auth', token: tokenFor(claims) })

for (const subject of subjects) {
  const { name, env: more } = subject

  t.test(`${name}: a certificate is who a client is, without any token`, async (t) => {
    const { env, client } = filesFor(t)
    const { url, app } = await secure(t, { ...env, ...required, ...more })
    const alice = await enter(t, url, subject, 'alice', { options: client({ cn: 'alice' }) })
    const bob = await enter(t, url, subject, 'bob', { place: alice.place, options: client({ cn: 'bob' }) })
    alice.signal(bob.id, 'hello')
    t.match(await bob.hears(), { load: 'hello' })
    alice.send({ type: 'auth', token: tokenFor({ sub: 'alice' }) })
    t.same(await alice.client.nextThat((frame) => subject.isError(frame)), subject.errors.unknown('auth'), 'there are no tokens')

    if (!subject.takesNames || !builtIn.includes(subject)) return
    const mallory = await connect(t, url, subject.path('bob'), client({ cn: 'mallory' }))
    for (const frame of subject.registration('bob')) mallory.send(frame)
    t.same(await mallory.next(), notAllowed(subject))
    t.equal(app.state.size().peers, 2)
    await bob.settle()
  })

  t.test(`${name}: with a key a token is needed too, and it must be the certificate’s`, async (t) => {
    const { env, client } = filesFor(t)
    const { url } = await secure(t, { ...env, ...required, ...withSecret, ...more })
    const alice = client({ cn: 'alice' })
    for (const [kind, options] of Object.entries({
      'no token': alice,
      'a stolen token': bearing(alice, { sub: 'bob' }),
      'a stolen token of an admin': bearing(alice, { sub: 'root', ids: ['*'], roles: ['admin'] }),
      'an expired token': bearing(alice, { sub: 'alice', exp: inSeconds(-1) }),
      'a certificate that names nobody': bearing(client({ organisation: 'acme' }), { sub: 'alice' })
    })) {
      const refused = begin(t, url, subject.path('alice'), options)
      t.same(await refused.closed, { code: 1008, reason: 'Unauthorized' }, kind)
      t.same(refused.taken(), lastWords(name), kind)
    }
    const peer = await enter(t, url, subject, 'alice', { options: bearing(alice, { sub: 'alice' }) })
    await peer.settle()
  })
}

t.test('peerjs: a stranger’s token that reads like the subject of a certificate is no certificate', async (t) => {
  const { env, client } = filesFor(t)
  const { url } = await secure(t, env)
  const path = (token: string) => `/peerjs?key=peerjs&id=alice&token=${token}`
  const alice = await connect(t, url, path('whatever'), client({ cn: 'alice' }))
  t.same(await alice.next(), { type: 'OPEN' })
  for (const token of ['alice', 'subject:alice', 'whatever']) {
    const stranger = await connect(t, url, path(token), client())
    t.match(await stranger.next(), { type: 'ID-TAKEN' }, token)
  }
  const again = await connect(t, url, path('another'), client({ cn: 'alice' }))
  t.same(await again.next(), { type: 'OPEN' })
  t.equal((await alice.closed).code, 4000)
})

t.test('a socket is closed with 4102 when its certificate ends', async (t) => {
  const { env, client } = filesFor(t)
  await Promise.all(subjects.map(async (subject) => {
    const { url, app } = await secure(t, { ...env, ...required, ...subject.env })
    const stays = await enter(t, url, subject, 'stays', { options: client({ cn: 'stays' }) })
    const goes = await enter(t, url, subject, 'goes', { place: stays.place, options: client({ cn: 'goes', to: 4_000 }) })
    t.same(await goes.client.closed, { code: 4102, reason: 'Token expired' }, subject.name)
    if (subject.endsTogether === true) return await until(() => app.state.size().peers === 0)
    await until(() => app.state.size().peers === 1)
    await stays.settle()
  }))
})

t.test('a fresh token must be the certificate’s, and lasts no longer than it', async (t) => {
  const { env, client } = filesFor(t)
  await Promise.all(subjects.map(async (subject) => {
    const { url } = await secure(t, { ...env, ...required, ...withSecret, ...subject.env })
    const alice = await enter(t, url, subject, 'alice', {
      options: bearing(client({ cn: 'alice', to: 4_000 }), { sub: 'alice', exp: inSeconds(60) })
    })
    const bob = await enter(t, url, subject, 'bob', { options: bearing(client({ cn: 'bob' }), { sub: 'bob', exp: inSeconds(60) }) })
    alice.send(refresh({ sub: 'alice', exp: inSeconds(600) }))
    t.same(await alice.client.nextOf('auth'), ok, subject.name)
    bob.send(refresh({ sub: 'alice' }))
    t.equal((await bob.client.closed).code, 1008, subject.name)
    t.equal((await alice.client.closed).code, 4102, subject.name)
  }))
})

t.test('a token that comes in the first frame must be the certificate’s, too', async (t) => {
  const { env, client } = filesFor(t)
  const { url } = await secure(t, { ...env, ...required, ...withSecret, DIALECTS: 'ayame' })
  const enterWith = async (sub: string) => {
    const alice = await connect(t, url, '/signaling', client({ cn: 'alice' }))
    alice.send({ type: 'register', roomId: 'room', clientId: 'c', authnMetadata: tokenFor({ sub }) })
    return await alice.next()
  }
  t.match(await enterWith('bob'), { type: 'reject' })
  t.match(await enterWith('alice'), { type: 'accept' })
})

t.test('at the bare root, too, a certificate is known before a dialect is chosen', async (t) => {
  const { env, client } = filesFor(t)
  const { url } = await secure(t, { ...env, ...required })
  const alice = await connect(t, url, '/', client({ cn: 'alice' }))
  alice.send({ type: 'register', nodeId: 'bob', username: 'B' })
  t.same(await alice.next(), { type: 'error', error: 'not allowed' })
  alice.send({ type: 'register', nodeId: 'alice', username: 'A' })
  t.match(await alice.next(), { type: 'participants' })
})

t.test('a certificate gives no role', async (t) => {
  const { env, client } = filesFor(t)
  const { url } = await secure(t, { ...env, ...required })
  const tom = builtIn.find(({ name }) => name === 'tom')
  if (tom === undefined) return t.fail()
  const alice = await enter(t, url, tom, 'alice', { options: client({ cn: 'alice' }) })
  alice.send({ type: 'role-assign', nodeId: 'bob', roles: ['host'] })
  t.same(await alice.client.nextOf('error'), { type: 'error', error: 'not allowed' })
})

t.test('the same subject takes its id over, and another one does not', async (t) => {
  const { env, client } = filesFor(t)
  const { url } = await secure(t, { ...env, ...required })
  const first = await connect(t, url, '/peerjs?key=peerjs&id=alice&token=one', client({ cn: 'alice' }))
  t.same(await first.next(), { type: 'OPEN' })
  const second = await connect(t, url, '/peerjs?key=peerjs&id=alice&token=two', client({ cn: 'alice' }))
  t.same(await second.next(), { type: 'OPEN' })
  t.equal((await first.closed).code, 4000)
  const other = await connect(t, url, '/peerjs?key=peerjs&id=alice&token=two', client({ cn: 'mallory' }))
  t.same(await other.next(), invalidToken)
  t.equal((await other.closed).code, 1008)
})

t.test('peers are listed as with tokens', async (t) => {
  const { env, client } = filesFor(t)
  const alice = client({ cn: 'alice' })
  for (const [settings, credentials, headers, status] of [
    [required, alice, {}, 401],
    [{ ...required, ALLOW_DISCOVERY: 'true' }, alice, {}, 200],
    [{ ...required, ALLOW_DISCOVERY: 'true' }, client({ organisation: 'acme' }), {}, 401],
    [{ ...required, ...withSecret }, alice, bearing(alice, { sub: 'alice', roles: ['discover'] }).headers, 200],
    [{ ...required, ...withSecret }, alice, bearing(alice, { sub: 'bob', roles: ['discover'] }).headers, 401],
    [{ ...required, ...withSecret, ALLOW_DISCOVERY: 'true' }, alice, {}, 401],
    // Not required, and no key: as without auth.
    [{}, alice, {}, 401],
    [{}, client(), {}, 401],
    [{ ALLOW_DISCOVERY: 'true' }, client(), {}, 200]
  ] as const) {
    const { url } = await secure(t, { ...env, ...settings })
    for (const { name } of builtIn) {
      const answer = await request(`${url}/${name}/peers`, credentials, headers)
      t.equal(answer.status, status, `${name} ${JSON.stringify(settings)}`)
    }
  }
})

t.test('with a key and certificates that are not required, one that is shown must be the token’s', async (t) => {
  const { env, client } = filesFor(t)
  const { url } = await secure(t, { ...env, ...withSecret })
  const without = await connect(t, url, '/drone', bearing(client(), { sub: 'alice' }))
  without.send({ type: 'register', id: 'alice' })
  t.match(await without.next(), { type: 'registered' })
  t.equal((await begin(t, url, '/drone', bearing(client({ cn: 'mallory' }), { sub: 'alice' })).closed).code, 1008)
  t.equal((await begin(t, url, '/drone', client({ cn: 'alice' })).closed).code, 1008, 'a token is needed')
})

t.test('what a client says of its certificate in a header does not count', async (t) => {
  const { env, client } = filesFor(t)
  const { url } = await secure(t, { ...env, ...withSecret, TRUST_PROXY: 'true' })
  const headers = {
    'x-forwarded-client-cert': 'Subject="CN=alice"',
    'x-ssl-client-s-dn': 'CN=alice',
    'x-ssl-client-verify': 'SUCCESS',
    'client-cert': ':MIIB:',
    'x-client-cn': 'alice'
  }
  t.equal((await begin(t, url, '/drone', { ...client(), headers }).closed).code, 1008)
  const { url: open } = await secure(t, { ...env, TRUST_PROXY: 'true' })
  const anybody = await connect(t, open, '/drone', { ...client(), headers })
  anybody.send({ type: 'register', id: 'bob' })
  t.match(await anybody.next(), { type: 'registered', id: 'bob' }, 'nor bind')
})
