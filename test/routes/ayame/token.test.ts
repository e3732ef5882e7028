import t, { type Test } from 'tap'
import { bearing, inSeconds, tokenFor, withSecret } from '../../auth/tokens.js'
import { buildOnly, type Client, connect, type Frame, nodesOf, until } from '../../helper.js'
import { buildInVirtualTime } from '../../virtual-time.js'

const build = buildOnly('ayame')
const refused = { type: 'reject', reason: 'not allowed' }
const unauthorized = { code: 1008, reason: 'Unauthorized' }

const register = (more: Frame, roomId = 'room') => ({ type: 'register', roomId, clientId: 'c', ...more })

async function isRefused (t: Test, client: Client, kind: string): Promise<void> {
  t.same(await client.next(), refused, kind)
  t.same(await client.closed, unauthorized, kind)
}

t.test('a token comes in the handshake, or as authnMetadata, signalingKey or key of the first frame', async (t) => {
  const app = await build(t, withSecret)
  const token = tokenFor({ sub: 'alice', rooms: ['room *'] })
  const ways: Frame[] = [
    { authnMetadata: token }, { authnMetadata: { token } }, { signalingKey: token }, { key: token }, { authnMetadata: null, key: token }
  ]
  for (const [at, way] of ways.entries()) {
    const client = await connect(t, app, '/signaling')
    client.send(register(way, `room ${at}`))
    t.match(await client.next(), { type: 'accept', isExistClient: false })
    const here = nodesOf(app).flatMap((node) => node.state.peers.here(`ayame/room ${at}`))
    t.match(here, [{ sink: { may: { subject: 'alice' } } }])
  }
  const client = await connect(t, app, '/signaling', bearing({ sub: 'bob' }))
  client.send(register({ key: 'of a webhook' }, 'room 0'))
  t.match(await client.next(), { type: 'accept', isExistClient: true })
})

t.test('a first frame without a good token ends the connection, and nothing of it is handled', async (t) => {
  const app = await build(t, withSecret)
  const bad: Record<string, unknown> = {
    'no token': register({}),
    'no text': register({ authnMetadata: 7, signalingKey: {}, key: null }),
    'a bad one': register({ authnMetadata: 'hunter2' }),
    'an expired one': register({ authnMetadata: tokenFor({ sub: 'alice', exp: inSeconds(-1) }) }),
    'another frame': { type: 'offer', sdp: '' },
    'no JSON': '{',
    'a token as if it were renewed': { type: 'auth', token: tokenFor({ sub: 'alice' }) }
  }
  for (const [kind, frame] of Object.entries(bad)) {
    const client = await connect(t, app, '/signaling')
    client.send(frame)
    client.send(register({ authnMetadata: tokenFor({ sub: 'alice' }) }))
    await isRefused(t, client, kind)
  }
  t.equal(app.state.size().peers, 0)
})

t.test('who sends nothing for 5 s has no token', async (t) => {
  const { app, passUntil } = await buildInVirtualTime(t, { DIALECTS: 'ayame', ...withSecret })
  const client = await connect(t, app, '/signaling')
  let isClosed = false
  client.socket.on('close', () => { isClosed = true })
  await passUntil(() => isClosed)
  await isRefused(t, client, 'too late')
})

t.test('a token of the first frame bounds as one of the handshake does: rooms, dialects, and its end', async (t) => {
  const app = await build(t, withSecret)
  for (const claims of [{ rooms: ['other'] }, { rooms: [] }, { dialects: ['tom'] }]) {
    const client = await connect(t, app, '/signaling')
    client.send(register({ authnMetadata: tokenFor({ sub: 'alice', ...claims }) }))
    await isRefused(t, client, JSON.stringify(claims))
  }
  const client = await connect(t, app, '/signaling')
  client.send(register({ authnMetadata: tokenFor({ sub: 'alice', exp: inSeconds(1) }) }))
  t.match(await client.next(), { type: 'accept' })
  client.send({ type: 'auth', token: tokenFor({ sub: 'bob' }) })
  await isRefused(t, client, 'a renewal by somebody else')
  const other = await connect(t, app, '/signaling')
  other.send(register({ authnMetadata: tokenFor({ sub: 'alice', exp: inSeconds(0.5) }) }))
  t.match(await other.next(), { type: 'accept' })
  t.equal((await other.closed).code, 4102)
  await until(() => app.state.size().peers === 0)
})

t.test('the TURN credential is for the token’s subject', async (t) => {
  const app = await build(t, { ...withSecret, TURN_URLS: 'turn:turn.example.com', TURN_SECRET: 'a secret of the TURN server, 32 bytes' })
  const client = await connect(t, app, '/signaling')
  client.send(register({ authnMetadata: tokenFor({ sub: 'alice' }) }))
  t.match((await client.next()).iceServers, [{ urls: ['turn:turn.example.com'], username: /^\d+:alice$/, credential: String }])
})

t.test('without auth these fields mean nothing', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/signaling')
  client.send(register({ authnMetadata: { any: [1] }, signalingKey: 'hunter2' }))
  t.match(await client.next(), { type: 'accept' })
})
