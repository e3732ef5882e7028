import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { build, type Client, connect, type Frame, until } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { subjects } from '../routes/dialects.js'
import { buildInVirtualTime, type InVirtualTime } from '../virtual-time.js'
import { bearing, inSeconds, lastWords, notAllowed, pairFor, tokenFor, withSecret } from './tokens.js'

const refresh = (claims: Frame) => ({ type: 'auth', token: tokenFor(claims) })
const ok = { type: 'auth', ok: true }

/** How a client is closed, once enough time has passed. */
async function closingOf (client: Client, passUntil: InVirtualTime['passUntil']) {
  let isClosed = false
  client.socket.once('close', () => { isClosed = true })
  await passUntil(() => isClosed)
  return await client.closed
}

for (const subject of subjects) {
  const { name, env } = subject

  t.test(`${name}: a socket is closed with 4102 when its token expires, and not before`, async (t) => {
    const { app, passUntil } = await buildInVirtualTime(t, { ...env, ...withSecret })
    const exp = inSeconds(2)
    const stays = await enter(t, app, subject, 'stays', { options: bearing({ sub: 'stays' }) })
    const goes = await enter(t, app, subject, 'goes', { place: stays.place, options: bearing({ sub: 'goes', exp }) })
    t.same(await closingOf(goes.client, passUntil), { code: 4102, reason: 'Token expired' })
    t.ok(app.signalbox.timers.timeOfDay() >= exp * 1000 - 1)
    if (subject.endsTogether === true) return await until(() => app.state.size().peers === 0)
    await until(() => app.state.size().peers === 1)
    await stays.settle()
  })

  t.test(`${name}: a client with a fresh token of the same subject stays`, async (t) => {
    const { app, passUntil } = await buildInVirtualTime(t, { ...env, ...withSecret })
    const exp = inSeconds(2)
    const keeper = await enter(t, app, subject, 'keeper', { options: bearing({ sub: 'keeper', exp }) })
    const loser = await enter(t, app, subject, 'loser', { options: bearing({ sub: 'loser', exp }) })
    await keeper.settle()
    keeper.send(refresh({ sub: 'keeper', exp: inSeconds(60) }))
    t.same(await keeper.client.nextOf('auth'), ok)
    t.equal((await closingOf(loser.client, passUntil)).code, 4102, 'the time of the old token has come')
    await keeper.settle()
    keeper.send(refresh({ sub: 'keeper', exp: app.signalbox.timers.timeOfDay() / 1000 + 1 }))
    t.same(await keeper.client.nextOf('auth'), ok)
    t.equal((await closingOf(keeper.client, passUntil)).code, 4102, 'a new expiry may be sooner')
  })

  t.test(`${name}: a bad token, or one of another subject, ends the connection`, async (t) => {
    const app = await build(t, { ...env, ...withSecret })
    const bad: Record<string, Frame> = {
      'another subject': refresh({ sub: 'mallory' }),
      expired: refresh({ sub: 'alice', exp: inSeconds(-1) }),
      forged: { type: 'auth', token: tokenFor({ sub: 'alice' }, { key: 'other' }) },
      none: { type: 'auth', token: tokenFor({ sub: 'alice' }, { alg: 'none' }) },
      'no token': { type: 'auth' },
      'no text': { type: 'auth', token: { sub: 'alice' } },
      'empty text': { type: 'auth', token: '' }
    }
    for (const [kind, frame] of Object.entries(bad)) {
      const alice = await enter(t, app, subject, 'alice', { options: bearing({ sub: 'alice' }) })
      await alice.settle()
      alice.send(frame)
      // What comes after it does not count.
      alice.send(subject.question('alice'))
      t.same(await alice.client.closed, { code: 1008, reason: 'Unauthorized' }, kind)
      // That the one before has left may be told late.
      t.same(alice.client.taken().filter(({ type }) => type !== 'client_list_update'), lastWords(name), kind)
      t.equal(app.state.size().peers, 0)
    }
  })

  t.test(`${name}: the claims of a fresh token count from then on`, async (t) => {
    const app = await build(t, { ...env, ...withSecret })
    const alice = await enter(t, app, subject, 'alice', { options: bearing({ sub: 'alice' }) })
    await alice.settle()
    alice.send(refresh({ sub: 'alice', dialects: ['other'] }))
    t.same(await alice.client.nextOf('auth'), ok)
    alice.send(subject.question(alice.id))
    t.same(await alice.client.next(), notAllowed(subject))
    if (lastWords(name).length > 0) return t.equal((await alice.client.closed).code, 1008)
    alice.send(refresh({ sub: 'alice' }))
    t.same(await alice.client.next(), ok)
    await alice.settle()
  })

  t.test(`${name}: fresh tokens sent at once all count, and the last one stays`, async (t) => {
    const app = await build(t, { ...env, ...withSecret })
    const alice = await enter(t, app, subject, 'alice', { options: bearing({ sub: 'alice' }) })
    for (const exp of [60, 5, 60, 50]) alice.send(refresh({ sub: 'alice', exp: inSeconds(exp) }))
    for (let n = 0; n < 4; n++) t.same(await alice.client.nextOf('auth'), ok)
    await alice.settle()
  })
}

t.test('a token without an expiry, or with one in the far future, lets a client stay', async (t) => {
  const app = await build(t, withSecret)
  for (const exp of [undefined, inSeconds(60 * 86_400), inSeconds(1e9), 1e300]) {
    const client = await connect(t, app, '/drone', bearing({ sub: 'alice', exp }))
    client.send({ type: 'ping' })
    t.match(await client.next(), { type: 'pong' })
    client.send(refresh({ sub: 'alice', exp }))
    t.same(await client.next(), ok)
    await new Promise((resolve) => app.signalbox.timers.schedule(60, () => resolve(undefined)))
    client.send({ type: 'ping' })
    t.match(await client.next(), { type: 'pong' }, String(exp))
  }
})

t.test('a fresh token does not decide the dialect of the bare root', async (t) => {
  const app = await build(t, withSecret)
  const client = await connect(t, app, '/', bearing({ sub: 'alice', exp: inSeconds(60) }))
  for (let n = 0; n < 5; n++) {
    client.send(refresh({ sub: 'alice' }))
    t.same(await client.next(), ok)
  }
  client.send({ type: 'register', id: 'alice' })
  t.match(await client.next(), { type: 'registered', id: 'alice' })
})

t.test('a socket at the bare root that has chosen nothing yet expires, too', async (t) => {
  const { app, passUntil } = await buildInVirtualTime(t, withSecret)
  const client = await connect(t, app, '/', bearing({ sub: 'alice', exp: inSeconds(2) }))
  t.equal((await closingOf(client, passUntil)).code, 4102)
})

/** A server of keys that answers once; whoever asks for another key waits until `answer`. */
async function slowKeys (t: Test) {
  const [first, second] = [pairFor('ES256'), pairFor('ES256')]
  const keys = [{ ...first.publicKey.export({ format: 'jwk' }), kid: '1' }, { ...second.publicKey.export({ format: 'jwk' }), kid: '2' }]
  let answer = () => {}
  let asked = 0
  const server = createServer((_request, response) => {
    if (asked++ === 0) response.end(JSON.stringify({ keys: keys.slice(0, 1) }))
    else answer = () => response.end(JSON.stringify({ keys }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    env: { JWKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` },
    token: (kid: '1' | '2', claims: Frame) => tokenFor(claims, {
      alg: 'ES256',
      key: (kid === '1' ? first : second).privateKey,
      header: { kid }
    }),
    answer: () => answer(),
    isAsked: () => asked > 1
  }
}

t.test('while a fresh token is checked, later frames wait for it', async (t) => {
  const keys = await slowKeys(t)
  const app = await build(t, keys.env)
  const client = await connect(t, app, `/drone?token=${keys.token('1', { sub: 'alice', dialects: ['other'] })}`)
  client.send({ type: 'auth', token: keys.token('2', { sub: 'alice' }) })
  client.send({ type: 'auth', token: keys.token('2', { sub: 'alice', dialects: ['drone'] }) })
  client.send({ type: 'ping' })
  await until(keys.isAsked)
  t.same(client.taken(), [])
  keys.answer()
  t.same(await client.next(), ok)
  t.same(await client.next(), ok)
  t.match(await client.next(), { type: 'pong' }, 'with the claims of the fresh token')
})

t.test('a token that expires while a fresh one is checked closes its socket', async (t) => {
  const keys = await slowKeys(t)
  const { app, passUntil } = await buildInVirtualTime(t, keys.env)
  const client = await connect(t, app, `/drone?token=${keys.token('1', { sub: 'alice', exp: inSeconds(2) })}`)
  client.send({ type: 'register', id: 'alice' })
  t.match(await client.next(), { type: 'registered' })
  client.send({ type: 'auth', token: keys.token('2', { sub: 'alice' }) })
  t.equal((await closingOf(client, passUntil)).code, 4102)
  t.equal(app.state.size().peers, 0, 'its peer has left, whatever the key server is up to')
  keys.answer()
  await until(() => app.state.size().peers === 0 && app.signalbox.connections.size === 0)
  t.same(client.taken(), [])
})

t.test('a client that goes while its fresh token is checked is gone', async (t) => {
  const keys = await slowKeys(t)
  const app = await build(t, keys.env)
  const client = await connect(t, app, `/drone?token=${keys.token('1', { sub: 'alice' })}`)
  client.send({ type: 'register', id: 'alice' })
  t.match(await client.next(), { type: 'registered' })
  client.send({ type: 'auth', token: keys.token('2', { sub: 'alice', exp: inSeconds(60) }) })
  await until(keys.isAsked)
  client.socket.terminate()
  await until(() => app.signalbox.connections.size === 0)
  keys.answer()
  await until(() => app.state.size().peers === 0 && app.signalbox.timers.size === 0)
})
