import t, { type Test } from 'tap'
import { build, type Client, connect, type Frame, type Reachable, refusal, until } from '../../helper.js'
import { eventually, isReady } from '../../cluster/nodes.js'
import { startRedis } from '../../redis.js'
import { buildInVirtualTime } from '../../virtual-time.js'

const env = { DIALECTS: 'ayame' }

async function enter (t: Test, to: Reachable, roomId = 'room', more: Frame = {}): Promise<Client> {
  const client = await connect(t, to, '/signaling')
  client.send({ type: 'register', roomId, clientId: 'c', ...more })
  return client
}

t.test('the second in a room is told to call, and the two hear each other', async (t) => {
  const app = await build(t, env)
  const a = await enter(t, app)
  t.match(await a.next(), { type: 'accept', connectionId: String, isExistClient: false, isExistUser: false })
  const b = await enter(t, app)
  t.match(await b.next(), { type: 'accept', isExistClient: true, isExistUser: true })
  for (const frame of [{ type: 'offer', sdp: 'v=0' }, { type: 'candidate', ice: { candidate: '' }, extra: 'ü' }]) {
    b.send(frame)
    t.same(await a.next(), frame)
  }
  a.send({ type: 'answer', sdp: 'v=0' })
  t.same(await b.next(), { type: 'answer', sdp: 'v=0' })
})

t.test('a third is rejected, and the two notice nothing', async (t) => {
  const app = await build(t, env)
  const [a, b] = [await enter(t, app), await enter(t, app)]
  await Promise.all([a.nextOf('accept'), b.nextOf('accept')])
  const c = await enter(t, app)
  t.same(await c.next(), { type: 'reject', reason: 'full' })
  t.equal((await c.closed).code, 1000)
  a.send({ type: 'answer', sdp: '' })
  t.same(await b.next(), { type: 'answer', sdp: '' })
})

t.test('when one leaves the other hears bye and is closed, and the room is free', async (t) => {
  const app = await build(t, env)
  const [a, b] = [await enter(t, app), await enter(t, app)]
  await Promise.all([a.nextOf('accept'), b.nextOf('accept')])
  a.socket.terminate()
  t.same(await b.next(), { type: 'bye' })
  t.equal((await b.closed).code, 1000)
  await until(() => app.state.size().peers === 0)
  t.match(await (await enter(t, app)).next(), { type: 'accept', isExistClient: false })
})

t.test('a standalone client goes once it is connected, and its partner hears no bye', async (t) => {
  const app = await build(t, env)
  const a = await enter(t, app, 'room', { standalone: true })
  await a.nextOf('accept')
  const b = await enter(t, app, 'room', { standalone: true })
  await b.nextOf('accept')
  a.send({ type: 'connected' })
  t.equal((await a.closed).code, 1000)
  t.equal((await b.closed).code, 1000)
  t.same(b.taken(), [])
})

t.test('what a client may not say is answered, and ends nothing', async (t) => {
  const app = await build(t, env)
  const client = await connect(t, app, '/ayame')
  const said = async (frame: unknown, reason: string) => {
    client.send(frame)
    t.same(await client.next(), { type: 'error', reason })
  }
  await said('{', 'InvalidJSON')
  await said({ type: 'register' }, 'MissingRoomID')
  await said({ type: 'offer', sdp: '' }, 'RegistrationIncomplete')
  await said({ type: 'connected' }, 'RegistrationIncomplete')
  await said({ type: 'nope' }, 'InvalidMessageType: nope')
  client.send({ type: 'register', roomId: 'room' })
  t.match(await client.next(), { type: 'accept' })
  await said({ type: 'register', roomId: 'other' }, 'AlreadyRegistered')
})

t.test('the welcome has the TURN servers, with a credential', async (t) => {
  const app = await build(t, { ...env, TURN_URLS: 'turn:turn.example.com', TURN_SECRET: 'a secret of the TURN server, 32 bytes' })
  const { iceServers } = await (await enter(t, app)).next()
  t.match(iceServers, [{ urls: ['turn:turn.example.com'], username: /^\d+:/, credential: String }])
})

t.test('the server pings, and who answers nothing for a minute is closed', async (t) => {
  const { app, passUntil } = await buildInVirtualTime(t, env)
  const [answering, mute] = [await enter(t, app, 'one'), await enter(t, app, 'two')]
  let isClosed = false
  mute.socket.on('close', () => { isClosed = true })
  answering.socket.on('message', (data) => { if (String(data).includes('ping')) answering.send({ type: 'pong' }) })
  await passUntil(() => isClosed)
  t.equal((await mute.closed).code, 4101)
  t.ok(mute.taken().filter(({ type }) => type === 'ping').length > 5)
  t.equal(app.state.size().peers, 1)
})

t.test('of four who join at once over two nodes two are accepted, one as the caller, and nobody waits for ever', async (t) => {
  const { url } = await startRedis(t)
  const nodes = [await build(t, { ...env, REDIS_URL: url }), await build(t, { ...env, REDIS_URL: url })]
  for (let round = 0; round < 30; round++) {
    const all = await Promise.all([0, 1, 2, 3].map(async (at) => await enter(t, nodes[at % 2] as Reachable, `room ${round}`)))
    const answers = await Promise.all(all.map(async (client) => await client.next()))
    const accepted = all.filter((_, at) => answers[at]?.type === 'accept')
    t.equal(accepted.length, 2, `round ${round}`)
    t.same(answers.filter(({ type }) => type === 'accept').map(({ isExistClient }) => isExistClient).sort(), [false, true])
    const [leaving, left] = accepted as [Client, Client]
    leaving.socket.terminate()
    t.same(await left.next(), { type: 'bye' })
    t.equal((await left.closed).code, 1000)
  }
})

t.test('over an outage of Redis a room keeps to two: who comes meanwhile is rejected, and the two talk on', async (t) => {
  const redis = await startRedis(t)
  const nodes = [await build(t, { ...env, REDIS_URL: redis.url }), await build(t, { ...env, REDIS_URL: redis.url })] as const
  const [a, b] = [await enter(t, nodes[0]), await enter(t, nodes[0])]
  await Promise.all([a.nextOf('accept'), b.nextOf('accept')])
  redis.process.kill('SIGSTOP')
  await eventually(async () => !await isReady(nodes[0]) && !await isReady(nodes[1]))
  for (const node of nodes) {
    const other = await enter(t, node)
    t.same(await other.next(), { type: 'reject', reason: 'InternalServerError' })
  }
  b.send({ type: 'offer', sdp: 'meanwhile' })
  t.same(await a.nextOf('offer'), { type: 'offer', sdp: 'meanwhile' })
  redis.process.kill('SIGCONT')
  await eventually(async () => await isReady(nodes[0]) && await isReady(nodes[1]))
  const third = await enter(t, nodes[1])
  t.same(await third.next(), { type: 'reject', reason: 'full' })
})

t.test('a native listener answers where the original does', async (t) => {
  const app = await build(t, { ...env, NATIVE_PORTS: 'ayame:0' })
  const port = app.nativePorts[0] as number
  const [a, b] = [await enter(t, port), await enter(t, app)]
  await Promise.all([a.nextOf('accept'), b.nextOf('accept')])
  b.send({ type: 'offer', sdp: 'v=0' })
  t.same(await a.nextOf('offer'), { type: 'offer', sdp: 'v=0' })
  t.equal((await fetch(`http://127.0.0.1:${port}/.ok`)).status, 200)
  t.equal((await refusal(t, port, '/')).status, 404)
})
