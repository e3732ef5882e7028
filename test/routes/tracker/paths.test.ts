import t from 'tap'
import { build as buildAny, refusal, urlOf } from '../../helper.js'
import { build, counts, failure, hash, stranger } from './swarm.js'
import { bearing, tokenFor, withSecret } from '../../auth/tokens.js'
import { connect } from '../../helper.js'
import { Announcer } from './swarm.js'

t.test('it is off unless DIALECTS names it', async (t) => {
  const off = await buildAny(t)
  for (const path of ['/t', '/announce']) t.equal((await refusal(t, off, path)).status, 404, path)
  t.equal((await fetch(`${urlOf(off)}/t/health`)).status, 404)
  const { dialects } = await (await fetch(`${urlOf(off)}/info`)).json() as { dialects: Array<{ name: string }> }
  t.notOk(dialects.some(({ name }) => name === 'tracker'))
})

t.test('one swarm at /t, at /announce, and at any path of a native listener', async (t) => {
  const app = await build(t, { DIALECTS: 'all', NATIVE_PORTS: 'tracker:0' })
  const places = ['/t', '/t/', '/announce', '/announce/']
  for (const [at, path] of places.entries()) t.same(await (await stranger(t, app, path, path)).announce(), counts(0, at + 1), path)
  const port = app.nativePorts[0] as number
  for (const [at, path] of ['/', '/announce', '/tracker/socket'].entries()) {
    const peer = new Announcer(await connect(t, port, path), `native ${path}`)
    t.same(await peer.announce(), counts(0, places.length + at + 1), path)
  }
  t.same(await (await fetch(`${urlOf(app)}/t/health`)).json(), { status: 'ok' })
  t.same(await (await fetch(`${urlOf(port)}/health`)).json(), { status: 'ok' })
  t.equal((await fetch(`${urlOf(app)}/announce?info_hash=x`)).status, 404, 'announces over HTTP are not answered')
})

t.test('the claim rooms says which swarms a client may enter, answer in and scrape', async (t) => {
  const app = await build(t, withSecret)
  const rooms = [Buffer.from(hash, 'latin1').toString('hex'), 'cam-*']
  const alice = new Announcer(await connect(t, app, '/t', bearing({ sub: 'alice', rooms })), 'anything')
  t.same(await alice.announce(), counts(0, 1))
  t.same(await alice.announce({ info_hash: 'cam-1', peer_id: 'another' }), counts(0, 1, 'cam-1'))
  t.same(await alice.announce({ info_hash: 'other' }), failure('not allowed', 'other'))
  t.match(await alice.scrape([hash, 'cam-2']), { action: 'scrape' })
  t.same(await alice.scrape([hash, 'other']), failure('not allowed', 'other'))
  alice.client.send({ type: 'auth', token: tokenFor({ sub: 'alice', rooms: [] }) })
  t.same(await alice.client.next(), { type: 'auth', ok: true })
  t.same(await alice.announce(), failure('not allowed'), 'a new token counts at once')
  alice.answer('bob')
  t.same(await alice.client.next(), failure('not allowed'))
})

t.test('a token in the announce URL', async (t) => {
  const app = await build(t, withSecret)
  const alice = await stranger(t, app, 'alice', `/t?token=${tokenFor({ sub: 'alice' })}`)
  t.same(await alice.announce(), counts(0, 1))
  const mallory = await stranger(t, app, 'mallory', '/t')
  t.equal((await mallory.client.closed).code, 1008)
})
