import { createHmac } from 'node:crypto'
import t from 'tap'
import { bearing, inSeconds, tokenFor, withSecret } from '../auth/tokens.js'
import { build, type Env, urlOf } from '../helper.js'
import { filesFor, request, secure } from '../tls/secure.js'

const turn: Env = { TURN_URLS: 'turn:turn.test:3478,turns:turn.test:5349?transport=tcp', TURN_SECRET: 'shared with coturn' }
const stun: Env = { STUN_URLS: 'stun:stun.test:3478' }
const [first, second] = ['turn:turn.test:3478', 'turns:turn.test:5349?transport=tcp']

interface Body {
  iceServers: Array<{ urls: string[], username: string, credential: string }>
  ttl: number
}

/** The TURN entry, and its expiry in seconds from now. */
function read ({ iceServers, ttl }: Body) {
  const { urls = [], username = '', credential = '' } = iceServers.at(-1) ?? {}
  const [, expiry = '', name = ''] = /^(\d+):(.*)$/.exec(username) ?? []
  return { urls, username, credential, name, ttl, endsIn: Number(expiry) - Date.now() / 1000 }
}

t.test('/ice-servers names the STUN servers, and the TURN servers with a credential', async (t) => {
  const answer = await fetch(`${urlOf(await build(t, { ...turn, ...stun }))}/ice-servers`)
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), 'application/json')
  const body = await answer.json() as Body
  const { username, credential, endsIn } = read(body)
  t.same(body, { iceServers: [{ urls: ['stun:stun.test:3478'] }, { urls: [first, second], username, credential }], ttl: 86_400 })
  t.ok(endsIn > 86_390 && endsIn <= 86_401, `in ${endsIn} s`)
  t.equal(credential, createHmac('sha1', 'shared with coturn').update(username).digest('base64'))
})

t.test('what is not set is not named', async (t) => {
  t.same(await (await fetch(`${urlOf(await build(t))}/ice-servers`)).json(), { iceServers: [], ttl: 86_400 })
  t.same(
    await (await fetch(`${urlOf(await build(t, { ...stun, TURN_TTL: '60' }))}/ice-servers`)).json(),
    { iceServers: [{ urls: ['stun:stun.test:3478'] }], ttl: 60 }
  )
  const { iceServers } = await (await fetch(`${urlOf(await build(t, turn))}/ice-servers`)).json() as Body
  t.same(iceServers.map(({ urls }) => urls), [[first, second]])
})

t.test('without auth everybody has a name of their own', async (t) => {
  const app = await build(t, turn)
  const names = new Set<string>()
  for (let call = 0; call < 5; call++) names.add(read(await (await fetch(`${urlOf(app)}/ice-servers`)).json() as Body).name)
  t.equal(names.size, 5)
  for (const name of names) t.match(name, /^[0-9a-f-]{36}$/)
})

t.test('with auth it takes a good token, whose subject is the name', async (t) => {
  const app = await build(t, { ...turn, ...stun, ...withSecret })
  for (const init of [
    {}, { headers: { authorization: 'Bearer hunter2' } }, bearing({ sub: 'alice', exp: inSeconds(-1) }),
    bearing({ sub: 'alice' }, { key: 'other' })
  ]) {
    const answer = await fetch(`${urlOf(app)}/ice-servers`, init)
    t.equal(answer.status, 401)
    t.same(await answer.json(), { error: 'Unauthorized' })
    t.equal(answer.headers.get('www-authenticate'), 'Bearer')
    t.equal(answer.headers.get('cache-control'), 'no-store')
  }
  const claims = { sub: 'team:alice' }
  for (const [query, init] of [['', bearing(claims)], [`?token=${tokenFor(claims)}`, {}]] as const) {
    const { name, ttl } = read(await (await fetch(`${urlOf(app)}/ice-servers${query}`, init)).json() as Body)
    t.equal(name, 'team:alice')
    t.equal(ttl, 86_400)
  }
})

t.test('a credential does not outlive the token', async (t) => {
  const app = await build(t, { ...turn, ...withSecret, TURN_TTL: '600' })
  for (const [exp, least, most] of [[60, 57, 60], [1.5, 0, 1], [599, 595, 599], [6_000, 600, 600]] as const) {
    const response = await fetch(`${urlOf(app)}/ice-servers`, bearing({ sub: 'alice', exp: inSeconds(exp) }))
    const { ttl, endsIn } = read(await response.json() as Body)
    t.ok(ttl >= least && ttl <= most, `${ttl} s of ${exp}`)
    t.ok(endsIn <= exp && endsIn > ttl - 3, `it ends in ${endsIn} s`)
  }
})

t.test('the name in a certificate counts like that of a token', async (t) => {
  const { env, client } = filesFor(t)
  for (const TLS_REQUIRE_CLIENT_CERT of ['false', 'true']) {
    const { url } = await secure(t, { ...turn, ...env, TLS_REQUIRE_CLIENT_CERT })
    const { body } = await request(`${url}/ice-servers`, client({ cn: 'alice' }))
    t.equal(read(body as Body).name, 'alice')
  }
})

t.test('a subject that a TURN server would refuse stands there as its hash', async (t) => {
  const app = await build(t, { ...turn, ...withSecret })
  // printf %s 'Alice Smith' | sha256sum
  const hash = '8ae10dfc9a69f97dcc91e1f51bced3aff442bc57a869e04126bd0ca7cb4af29d'
  const { name } = read(await (await fetch(`${urlOf(app)}/ice-servers`, bearing({ sub: 'Alice Smith' }))).json() as Body)
  t.equal(name, hash)
})

t.test('no cache keeps it, and browsers of other origins may read it', async (t) => {
  const app = await build(t, { ...turn, ALLOWED_ORIGINS: 'https://a.test' })
  const from = async (origin: string) => await fetch(`${urlOf(app)}/ice-servers`, { headers: { origin } })
  const answer = await from('https://a.test')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  t.equal(answer.headers.get('access-control-allow-origin'), 'https://a.test')
  t.equal((await from('https://b.test')).status, 403)
  const preflight = await fetch(`${urlOf(app)}/ice-servers`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://a.test',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization'
    }
  })
  t.equal(preflight.status, 204)
  t.equal(preflight.headers.get('access-control-allow-headers'), 'authorization')
})

t.test('calls above CONNECT_RATE are refused with 429', async (t) => {
  const app = await build(t, { ...turn, CONNECT_RATE: '2' })
  const statuses = []
  for (let call = 0; call < 3; call++) statuses.push((await fetch(`${urlOf(app)}/ice-servers`)).status)
  t.same(statuses, [200, 200, 429])
})

t.test('it is in the API document', async (t) => {
  const response = await fetch(`${urlOf(await build(t))}/openapi.json`)
  const { paths } = await response.json() as { paths: Record<string, { get: { responses: object } }> }
  t.same(Object.keys(paths['/ice-servers']?.get.responses ?? {}), ['200', '401'])
})
