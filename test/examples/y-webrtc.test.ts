import t, { type Test } from 'tap'
import { bearing, withSecret } from '../auth/tokens.js'
import { build, type Client, connect, until, urlOf } from '../helper.js'

const path = '/y-webrtc'

const start = async (t: Test) => await build(t, { PLUGINS: './examples/y-webrtc/index.js' })

/** Everything sent before has been handled: nothing but the pong came meanwhile. */
async function isQuiet (t: Test, client: Client, name: string): Promise<void> {
  client.send({ type: 'ping' })
  t.same(await client.next(), { type: 'pong' }, name)
}

/** Subscribed, once this has answered. */
async function subscribe (t: Test, client: Client, ...topics: string[]): Promise<void> {
  client.send({ type: 'subscribe', topics })
  await isQuiet(t, client, 'a subscribe has no reply')
}

t.test('a publish goes to every subscriber, the sender included, with their number', async (t) => {
  const app = await start(t)
  const [alice, bob] = [await connect(t, app, path), await connect(t, app, path)]
  await subscribe(t, alice, 'doc')
  await subscribe(t, bob, 'doc')
  const announced = { type: 'publish', topic: 'doc', data: { type: 'announce', from: 'alice', nested: [null, 1] }, extra: 'ü' }
  alice.send(announced)
  t.same(await alice.next(), { ...announced, clients: 2 })
  t.same(await bob.next(), { ...announced, clients: 2 }, 'all its fields travel along')
})

t.test('publishing needs no subscription', async (t) => {
  const app = await start(t)
  const [alice, bob] = [await connect(t, app, path), await connect(t, app, path)]
  await subscribe(t, bob, 'doc')
  alice.send({ type: 'publish', topic: 'doc', data: 1 })
  t.same(await bob.next(), { type: 'publish', topic: 'doc', data: 1, clients: 1 })
  await isQuiet(t, alice, 'who is no subscriber gets no copy')
})

t.test('the number of subscribers is the server’s, whatever the client says', async (t) => {
  const app = await start(t)
  const alice = await connect(t, app, path)
  await subscribe(t, alice, 'doc')
  alice.send({ type: 'publish', topic: 'doc', clients: 99 })
  t.same(await alice.next(), { type: 'publish', topic: 'doc', clients: 1 })
})

t.test('a publish on a topic nobody is subscribed to goes nowhere', async (t) => {
  const app = await start(t)
  const alice = await connect(t, app, path)
  await subscribe(t, alice, 'doc')
  alice.send({ type: 'publish', topic: 'other', data: 1 })
  await isQuiet(t, alice, 'neither a copy nor an error')
})

t.test('a topic subscribed to twice gives one copy', async (t) => {
  const app = await start(t)
  const alice = await connect(t, app, path)
  await subscribe(t, alice, 'doc', 'doc')
  await subscribe(t, alice, 'doc')
  alice.send({ type: 'publish', topic: 'doc' })
  t.same(await alice.next(), { type: 'publish', topic: 'doc', clients: 1 })
  await isQuiet(t, alice, 'no second copy')
})

t.test('after an unsubscribe nothing of that topic comes, and the others go on', async (t) => {
  const app = await start(t)
  const [alice, bob] = [await connect(t, app, path), await connect(t, app, path)]
  await subscribe(t, alice, 'a', 'b')
  await subscribe(t, bob, 'a')
  alice.send({ type: 'unsubscribe', topics: ['a', 'never heard of'] })
  alice.send({ type: 'publish', topic: 'a' })
  t.same(await bob.next(), { type: 'publish', topic: 'a', clients: 1 })
  alice.send({ type: 'publish', topic: 'b' })
  t.same(await alice.next(), { type: 'publish', topic: 'b', clients: 1 })
})

t.test('who closes is no subscriber any more', async (t) => {
  const app = await start(t)
  const [alice, bob] = [await connect(t, app, path), await connect(t, app, path)]
  await subscribe(t, alice, 'a', 'b')
  await subscribe(t, bob, 'a')
  await bob.close()
  await until(() => app.state.size().peers === 2)
  alice.send({ type: 'publish', topic: 'a' })
  t.same(await alice.next(), { type: 'publish', topic: 'a', clients: 1 })
  await alice.close()
  await until(() => app.state.size().rooms === 0)
})

t.test('topics that are names of object properties are topics like others', async (t) => {
  const app = await start(t)
  const alice = await connect(t, app, path)
  for (const topic of ['__proto__', 'constructor', 'toString', 'a/b', 'ünï😀']) {
    await subscribe(t, alice, topic)
    alice.send({ type: 'publish', topic })
    t.same(await alice.next(), { type: 'publish', topic, clients: 1 })
  }
})

t.test('a connection holds at most 256 topics', async (t) => {
  const app = await start(t)
  const alice = await connect(t, app, path)
  const topics = Array.from({ length: 256 }, (_, at) => `topic ${at}`)
  await subscribe(t, alice, ...topics)
  alice.send({ type: 'subscribe', topics: ['one more', 'topic 0'] })
  t.same(await alice.next(), { type: 'error', message: 'Too many topics: 1 left out' })
  await subscribe(t, alice, 'topic 0')
  alice.send({ type: 'unsubscribe', topics: ['topic 255'] })
  await subscribe(t, alice, 'one more')
})

t.test('of a subscribe that is too long the first topics are taken, and the answer says how many were left out', async (t) => {
  const app = await start(t)
  const [alice, bob] = [await connect(t, app, path), await connect(t, app, path)]
  await subscribe(t, alice, 'topic 7', 'mine')
  const topics = Array.from({ length: 300 }, (_, at) => `topic ${at}`)
  alice.send({ type: 'subscribe', topics: [...topics, ...topics] })
  t.same(await alice.next(), { type: 'error', message: 'Too many topics: 45 left out' }, 'one of them was there before')
  for (const [topic, clients] of [['mine', 1], ['topic 0', 1], ['topic 7', 1], ['topic 254', 1]] as const) {
    bob.send({ type: 'publish', topic })
    t.same(await alice.next(), { type: 'publish', topic, clients })
  }
  for (const topic of ['topic 255', 'topic 299']) bob.send({ type: 'publish', topic })
  await isQuiet(t, bob, 'both were handled')
  await isQuiet(t, alice, 'what does not fit is not heard')
  alice.send({ type: 'unsubscribe', topics })
  await subscribe(t, alice, ...topics.slice(255))
})

t.test('topics beyond MAX_ROOMS_PER_CLIENT are left out in the same way', async (t) => {
  const app = await build(t, { PLUGINS: './examples/y-webrtc/index.js', MAX_ROOMS_PER_CLIENT: '2' })
  const alice = await connect(t, app, path)
  alice.send({ type: 'subscribe', topics: ['a', 'b', 'c', 'd'] })
  t.same(await alice.next(), { type: 'error', message: 'Too many topics: 2 left out' })
  await subscribe(t, alice, 'a', 'b')
})

t.test('whatever is left out counts under one name', async (t) => {
  const app = await start(t)
  const alice = await connect(t, app, path)
  for (const length of [257, 300, 400]) {
    alice.send({ type: 'subscribe', topics: Array.from({ length }, (_, at) => `topic ${at}`) })
    t.match(await alice.next(), { type: 'error', message: `Too many topics: ${length - 256} left out` })
  }
  const metrics = await (await fetch(`${urlOf(app)}/metrics`)).text()
  t.match(metrics, /^signalbox_errors_total\{[^}]*"Too many topics"[^}]*\} 3$/m)
})

t.test('a bad frame gets one error and the socket stays open', async (t) => {
  const app = await start(t)
  const alice = await connect(t, app, path)
  const answers: Array<[frame: unknown, message: string]> = [
    ['{', 'Invalid JSON'],
    ['[]', 'Invalid JSON'],
    [Buffer.from([0xff]), 'Invalid JSON'],
    [{}, 'Unknown message type: undefined'],
    [{ type: 'toString' }, 'Unknown message type: toString'],
    [{ type: 'subscribe' }, 'Invalid or missing topics'],
    [{ type: 'subscribe', topics: 'doc' }, 'Invalid or missing topics'],
    [{ type: 'subscribe', topics: ['doc', 1] }, 'Invalid or missing topics'],
    [{ type: 'unsubscribe', topics: [''] }, 'Invalid or missing topics'],
    [{ type: 'publish' }, 'Invalid or missing topic'],
    [{ type: 'publish', topic: 'x'.repeat(257) }, 'Invalid or missing topic']
  ]
  for (const [frame, message] of answers) {
    alice.send(frame)
    t.same(await alice.next(), { type: 'error', message })
  }
  await subscribe(t, alice, 'doc')
})

t.test('the claim rooms bounds what a client subscribes to, and what it publishes on', async (t) => {
  const app = await build(t, { PLUGINS: './examples/y-webrtc/index.js', ...withSecret })
  const alice = await connect(t, app, path, bearing({ sub: 'alice', rooms: ['mine'] }))
  await subscribe(t, alice, 'mine')
  for (const frame of [{ type: 'subscribe', topics: ['yours'] }, { type: 'publish', topic: 'yours' }]) {
    alice.send(frame)
    t.same(await alice.next(), { type: 'error', message: 'not allowed' })
  }
})

t.test('a topic never meets another dialect’s room of the same name', async (t) => {
  const app = await start(t)
  const [alice, peer] = [await connect(t, app, path), await connect(t, app, '/psync/ws')]
  await subscribe(t, alice, 'group')
  peer.send({ type: 'register', payload: { peer_id: 'p', group_id: 'group' } })
  t.same(await peer.next(), { type: 'peer_list', payload: { peers: [] } })
  alice.send({ type: 'publish', topic: 'group' })
  t.same(await alice.next(), { type: 'publish', topic: 'group', clients: 1 })
})
