import t, { type Test } from 'tap'
import { bearing, tokenFor, withSecret } from '../../auth/tokens.js'
import { buildOnly, type Client, connect, type Reachable, until, urlOf } from '../../helper.js'

const build = buildOnly('topics')

/** Everything sent before has been handled: nothing but the pong came meanwhile. */
async function isQuiet (t: Test, client: Client, name: string): Promise<void> {
  client.send({ type: 'ping' })
  t.same(await client.next(), { type: 'pong' }, name)
}

/** Subscribed in the form of y-webrtc, once this has answered. */
async function yjs (t: Test, app: Reachable, ...topics: string[]): Promise<Client> {
  const client = await connect(t, app, '/topics')
  client.send({ type: 'subscribe', topics })
  await isQuiet(t, client, 'a subscribe has no reply')
  return client
}

/** The same in the form of Trystero's ws-relay. */
async function trystero (t: Test, app: Reachable, ...topics: string[]): Promise<Client> {
  const client = await connect(t, app, '/topics')
  for (const topic of topics) client.send({ type: 'subscribe', topic })
  await isQuiet(t, client, 'a subscribe has no reply')
  return client
}

t.test('a publish of y-webrtc goes to every subscriber whole, the sender included, with their number', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await yjs(t, app, 'doc'), await yjs(t, app, 'other', 'doc')]
  const announced = { type: 'publish', topic: 'doc', data: { type: 'announce', from: 'alice', nested: [null, 1] }, extra: 'ü' }
  alice.send(announced)
  t.same(await alice.next(), { ...announced, clients: 2 })
  t.same(await bob.next(), { ...announced, clients: 2 })
})

t.test('a publish of Trystero goes to every subscriber as topic and payload, the sender included', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await trystero(t, app, 'doc'), await trystero(t, app, 'other', 'doc')]
  for (const payload of ['{"peerId":"a"}', null, 7, [{ a: 'ü' }], { topic: 'other' }]) {
    alice.send({ type: 'publish', topic: 'doc', payload })
    t.same(await alice.next(), { topic: 'doc', payload })
    t.same(await bob.next(), { topic: 'doc', payload })
  }
})

t.test('each subscriber reads its own form, and all of them count', async (t) => {
  const app = await build(t)
  const [one, other, stranger] = [await yjs(t, app, 'doc'), await trystero(t, app, 'doc'), await connect(t, app, '/y-webrtc')]
  stranger.send({ type: 'publish', topic: 'doc', payload: 'x', more: 1 })
  t.same(await one.next(), { type: 'publish', topic: 'doc', payload: 'x', more: 1, clients: 2 })
  t.same(await other.next(), { topic: 'doc', payload: 'x' })
  stranger.send({ type: 'publish', topic: 'doc', data: 'y' })
  t.same(await one.next(), { type: 'publish', topic: 'doc', data: 'y', clients: 2 })
  await isQuiet(t, stranger, 'who is no subscriber gets no copy')
  await isQuiet(t, other, 'without a payload it says nothing to Trystero')
})

t.test('however a frame is written, its receivers read the same', async (t) => {
  const app = await build(t)
  const [one, other] = [await yjs(t, app, 'd"ö'), await trystero(t, app, 'd"ö')]
  for (const text of [
    '{"type":"publish","topic":"d\\"ö","payload":{"a":[1]}}',
    '{"topic":"d\\"\\u00f6","payload":{"a":[1]},"type":"publish"}',
    '{"type": "publish", "topic": "d\\"ö", "payload": {"a": [1]}}\n',
    '{"type":"publish","topic":"nobody","payload":{"a":[1]},"topic":"d\\"ö"}',
    '{"type":"publish","topic":"d\\"ö","payload":1,"payload":{"a":[1]},"clients":99}'
  ]) {
    one.send(text)
    t.same(await one.next(), { type: 'publish', topic: 'd"ö', payload: { a: [1] }, clients: 2 }, text)
    t.same(await other.next(), { topic: 'd"ö', payload: { a: [1] } }, text)
  }
})

t.test('a socket has the form of its first subscribe', async (t) => {
  const app = await build(t)
  const client = await yjs(t, app, 'a')
  client.send({ type: 'subscribe', topic: 'b' })
  client.send({ type: 'publish', topic: 'b', payload: 1 })
  t.same(await client.next(), { type: 'publish', topic: 'b', payload: 1, clients: 1 })
  client.send({ type: 'unsubscribe', topic: 'a' })
  client.send({ type: 'publish', topic: 'a', payload: 1 })
  await isQuiet(t, client, 'either form unsubscribes')
})

t.test('a topic subscribed to twice gives one copy, and none after an unsubscribe', async (t) => {
  const app = await build(t)
  const alice = await yjs(t, app, 'doc', 'doc')
  alice.send({ type: 'subscribe', topics: ['doc'] })
  alice.send({ type: 'publish', topic: 'doc' })
  t.same(await alice.next(), { type: 'publish', topic: 'doc', clients: 1 })
  alice.send({ type: 'unsubscribe', topics: ['doc', 'never heard of'] })
  alice.send({ type: 'publish', topic: 'doc' })
  await isQuiet(t, alice, 'nothing of it comes')
})

t.test('who closes is no subscriber any more, and nothing of it is left', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await yjs(t, app, 'a', 'b'), await trystero(t, app, 'a')]
  alice.send({ type: 'publish', topic: 'a' })
  t.same(await alice.next(), { type: 'publish', topic: 'a', clients: 2 })
  await bob.close()
  await until(async () => (await app.state.peers.roomNames('topics/ws-relay/')).length === 0)
  alice.send({ type: 'publish', topic: 'a' })
  t.same(await alice.next(), { type: 'publish', topic: 'a', clients: 1 })
  await alice.close()
  await until(async () => (await app.state.peers.roomNames('topics/')).length === 0)
})

t.test('topics beyond MAX_ROOMS_PER_CLIENT are left out, and the answer says how many', async (t) => {
  const app = await build(t, { MAX_ROOMS_PER_CLIENT: '3' })
  const alice = await yjs(t, app, 'a')
  alice.send({ type: 'subscribe', topics: ['a', 'b', 'c', 'd', 'e', 'd'] })
  t.same(await alice.next(), { type: 'error', message: 'Too many topics: 2 left out' })
  for (const topic of ['d', 'c']) alice.send({ type: 'publish', topic })
  t.same(await alice.next(), { type: 'publish', topic: 'c', clients: 1 }, 'the first ones fit')
  alice.send({ type: 'unsubscribe', topics: ['a'] })
  alice.send({ type: 'subscribe', topics: ['d'] })
  await isQuiet(t, alice, 'there is room again')
})

t.test('the claim rooms bounds topics: what it does not name is left out, and cannot be published on', async (t) => {
  const app = await build(t, withSecret)
  const alice = await connect(t, app, '/topics', bearing({ sub: 'alice', rooms: ['doc-*', 'mine'] }))
  alice.send({ type: 'subscribe', topics: ['doc-1', 'yours', 'mine', 'doc'] })
  t.same(await alice.next(), { type: 'error', message: 'not allowed: 2 left out' })
  for (const topic of ['doc-1', 'mine']) {
    alice.send({ type: 'publish', topic })
    t.same(await alice.next(), { type: 'publish', topic, clients: 1 })
  }
  alice.send({ type: 'publish', topic: 'yours' })
  t.same(await alice.next(), { type: 'error', message: 'not allowed' })
  alice.send({ type: 'subscribe', topic: 'yours' })
  t.same(await alice.next(), { type: 'error', message: 'not allowed: 1 left out' })
})

t.test('the subscribers of a topic are listed by their ids, where that is allowed', async (t) => {
  const app = await build(t, { ...withSecret, ALLOW_DISCOVERY: 'true' })
  const token = (claims: object) => `token=${tokenFor({ sub: 'x', ...claims })}`
  const get = async (query: string) => await (await fetch(`${urlOf(app)}/topics/peers?${query}`)).json()
  for (const topics of [['a'], ['a', 'b']]) {
    const client = await connect(t, app, '/topics', bearing({ sub: 'x' }))
    client.send({ type: 'subscribe', topics })
    await isQuiet(t, client, 'it is subscribed')
  }
  t.match(await get(`topic=a&${token({})}`), [/^[\w-]{36}$/, /^[\w-]{36}$/])
  t.equal((await get(`topic=b&${token({})}`)).length, 1)
  t.equal((await get(token({}))).length, 2)
  t.same(await get(`topic=a&${token({ rooms: ['b'] })}`), [])
  t.equal((await get(token({ rooms: ['b'] }))).length, 1)
})

t.test('a native listener takes the socket at any path, as the originals do', async (t) => {
  const app = await build(t, { NATIVE_PORTS: 'topics:0' })
  const port = app.nativePorts[0] as number
  const mine = await yjs(t, app, 'doc')
  for (const path of ['/', '/signal?x=1']) {
    const client = await connect(t, port, path)
    client.send({ type: 'publish', topic: 'doc' })
    t.same(await mine.next(), { type: 'publish', topic: 'doc', clients: 1 })
  }
  t.same(await (await fetch(`http://127.0.0.1:${port}/health`)).json(), { status: 'ok' })
})

t.test('without DIALECTS the server knows nothing of it', async (t) => {
  const app = await buildOnly('tom')(t)
  for (const path of ['/topics/health', '/topics', '/y-webrtc']) t.equal((await fetch(urlOf(app) + path)).status, 404, path)
})
