import fc from 'fast-check'
import t, { type Test } from 'tap'
import { isReady as isNodeReady, eventually, signal, tomPeer } from '../cluster/nodes.js'
import { type Client, connect, type Frame, urlOf } from '../helper.js'
import { start } from '../process.js'
import { type RedisServer, startRedis } from '../redis.js'
import { liarBefore } from './liar.js'

type Node = Awaited<ReturnType<typeof start>>

// Most of it is waiting.
t.jobs = 3

const env = { NODE_LEASE_MS: '1000', CONNECT_RATE: '1000000', ALLOW_DISCOVERY: 'true', MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' }
const isReady = async ({ port }: Node) => await isNodeReady(port)
const content = 'what only Redis and we should know'

async function dronePeer (t: Test, port: number, id: string): Promise<Client> {
  const client = await connect(t, port, '/drone')
  client.send({ type: 'register', id })
  await client.nextOf('registered')
  return client
}

/** Two nodes in processes of their own, with peers on both. */
async function twoNodes (t: Test, redis: RedisServer, urls: readonly string[] = [redis.url, redis.url]) {
  const [one, other] = await Promise.all(urls.map(async (url) => await start(t, { ...env, REDIS_URL: url }))) as [Node, Node]
  for (const node of [one, other]) await eventually(async () => await isReady(node))
  const [a, a2, b] = [await tomPeer(t, one.port, 'a'), await tomPeer(t, one.port, 'a2'), await tomPeer(t, other.port, 'b')]
  const [d, d2] = [await dronePeer(t, one.port, 'd'), await dronePeer(t, one.port, 'd2')]
  let count = 0

  async function reach (from: Client, sender: string, to: Client, receiver: string): Promise<void> {
    const payload = `hello ${++count}`
    from.send(signal(sender, receiver, payload))
    await to.nextThat((frame) => frame.payload === payload)
  }

  /** The same once the nodes have found each other again: until then each signal is answered with an error. */
  async function reachAtLast (from: Client, sender: string, to: Client, receiver: string): Promise<void> {
    const payload = `far ${++count}`
    let hasCome = false
    let errors = 0
    to.socket.on('message', (data) => { hasCome ||= String(data).includes(payload) })
    from.socket.on('message', (data) => { if ((JSON.parse(String(data)) as Frame).type === 'error') errors++ })
    for (let sent = 1; ; sent++) {
      from.send(signal(sender, receiver, payload))
      await eventually(() => hasCome || errors === sent)
      if (hasCome) return
    }
  }

  return {
    one,
    other,
    clients: { a, a2, b, d, d2 },
    /** Peers of one node reach each other, and new ones are let in. */
    async nearby () {
      await reach(a, 'a', a2, 'a2')
      d.send({ type: 'offer', target: 'd2', sdp: `hello ${++count}`, sessionId: 's' })
      await d2.nextThat(({ sdp }) => sdp === `hello ${count}`)
      const id = `new${++count}`
      const client = await tomPeer(t, one.port, id)
      await reach(a, 'a', client, id)
      return { id, client }
    },
    /** Peers of both reach each other. */
    async far () {
      await eventually(async () => await isReady(one) && await isReady(other))
      await reachAtLast(a, 'a', b, 'b')
      await reachAtLast(b, 'b', a2, 'a2')
    },
    /** Somebody who came while something was wrong is known to the other node, too. */
    async known ({ id, client }: { id: string, client: Client }) {
      await eventually(async () => (await (await fetch(`${urlOf(other.port)}/tom/peers`)).json() as string[]).includes(id))
      await reachAtLast(b, 'b', client, id)
    },
    survived () {
      for (const { child, output } of [one, other]) {
        t.equal(child.exitCode, null)
        t.notMatch(output.stdout + output.stderr, content, 'and nothing of it is in the log')
      }
      for (const [name, { socket }] of Object.entries({ a, a2, b, d, d2 })) t.equal(socket.readyState, socket.OPEN, name)
    }
  }
}

async function metric ({ port }: Node, name: string): Promise<number> {
  const text = await (await fetch(`${urlOf(port)}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
}

/** A message as something of the kind would be, but for what a stranger puts into it. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(
    fc.constantFrom('frame', 'all', 'lost', 'disconnect', 'close', 'found', 'joined', 'left', 'seen', 'probe', 'frames', 'newer'),
    fc.array(fc.oneof(fc.constantFrom('tom', 'a', 'drone', content, '4000'), fc.jsonValue()), { maxLength: 8 })
  ).map(([kind, parts]) => Buffer.from(JSON.stringify([kind, ...parts]))),
  fc.tuple(
    fc.constantFrom('frame', 'all', 'lost', 'disconnect', 'newer'),
    fc.array(fc.oneof(fc.nat(20), fc.constantFrom('-', '-1', '1e9', '9'.repeat(30), '')), { maxLength: 7 }),
    fc.constantFrom('tom\na\n\n\n', content, 'tom\na\n\n\n{"code":99999,"reason":1}')
  ).map(([kind, lengths, rest]) => Buffer.from(`${kind} ${lengths.join(' ')}\n${rest}`)),
  fc.constantFrom(
    '["frames"]\nframe\ntom\na\n\n5\nhello',
    '["frame","tom","a",""]\n{}',
    'disconnect 3 1 0 0 2\ntom\na\n\n\n{}',
    '["joined","9999999999999999","tom","x","e","1","2","null"]',
    '[',
    ''
  ).map((text) => Buffer.from(text))
)

t.test('no message on any channel ends a node, and what is not understood is counted', async (t) => {
  const redis = await startRedis(t)
  const { one, other, clients: { a, b }, nearby, far, survived } = await twoNodes(t, redis)
  const channels = await redis.client.pubsub('CHANNELS') as string[]
  t.ok([':node:', ':room:tom', ':probe:'].every((kind) => channels.some((name) => name.includes(kind))))
  for (const message of fc.sample(hostile, 800)) {
    await Promise.all(channels.map(async (channel) => await redis.client.publish(channel, message)))
  }
  await far()
  await nearby()
  survived()
  for (const node of [one, other]) t.ok(await metric(node, 'signalbox_redis_messages_skipped_total') > 100)
  await eventually(() => one.output.stdout.includes('messages from Redis skipped'))
  t.ok(one.output.stdout.split('messages from Redis skipped').length < 60, 'and the log tells of many at once')
  a.send(signal('a', 'b', 'last'))
  t.match(await b.nextThat(({ payload }) => payload === 'last'), { from: 'a' })
})

const spoil = async ({ client }: RedisServer, key: string) => {
  const kind = await client.type(key)
  await client.del(key)
  if (kind === 'string') await client.rpush(key, content)
  else await client.set(key, content)
}

const keys: Record<string, (all: string[]) => string[]> = {
  'the members and the events of a room': () => ['{sb:0}:members:tom', '{sb:0}:sequence:tom'],
  'the generation': () => ['{sb:0}:generation'],
  everything: (all) => all.filter((key) => key.startsWith('{sb'))
}

for (const [title, which] of Object.entries(keys)) {
  t.test(`${title} of another type than ours: peers of a node reach each other, and all do once it is gone`, async (t) => {
    const redis = await startRedis(t)
    const { nearby, far, known, survived } = await twoNodes(t, redis)
    const spoilt = which(await redis.client.keys('*'))
    t.ok(spoilt.length > 0)
    for (const key of spoilt) await spoil(redis, key)
    const came = [await nearby()]
    // For two renewals of the lease: what is done now and then has met it, too.
    const spoiltAt = performance.now()
    await eventually(() => performance.now() - spoiltAt > 700)
    came.push(await nearby())
    for (const key of spoilt) await redis.client.del(key)
    await far()
    for (const somebody of came) await known(somebody)
    survived()
  })
}

t.test('mail, a room code and an address’s guesses of another type are as if there were none', async (t) => {
  const redis = await startRedis(t)
  const { one, far, survived } = await twoNodes(t, redis)
  const path = (id: string) => `/peerjs?key=peerjs&id=${id}&token=t`
  await redis.client.set('{sb:0}:mail:peerjs/peerjs\nalice', content)
  const alice = await connect(t, one.port, path('alice'))
  await alice.nextOf('OPEN')
  alice.send({ type: 'OFFER', dst: 'alice', payload: 1 })
  t.match(await alice.nextOf('OFFER'), { payload: 1 })
  await redis.client.set('{sb:0}:mail:peerjs/peerjs\nnobody', content)
  alice.send({ type: 'OFFER', dst: 'nobody', payload: 1 })
  t.match(await alice.nextOf('EXPIRE'), { src: 'nobody' })
  const guest = await connect(t, one.port, '/rooms')
  await redis.client.rpush('{sb:0}:opened:rooms/1234', content)
  await redis.client.rpush('{sb:0}:attempts:127.0.0.1', content)
  guest.send({ type: 'join', roomId: '1234' })
  t.match(await guest.next(), { type: 'error' })
  await redis.client.del('{sb:0}:opened:rooms/1234')
  guest.send({ type: 'create' })
  t.match(await guest.next(), { type: 'room_created', roomId: /^\d{4}$/ })
  await far()
  survived()
})

const errors = [
  'ERR something is wrong',
  'WRONGTYPE Operation against a key',
  'LOADING Redis is loading the dataset in memory',
  'READONLY You cannot write',
  'OOM command not allowed',
  'BUSY Redis is busy',
  'NOAUTH Authentication required.'
]
const which: Record<string, RegExp> = { scripts: /^eval/i, 'every command': /^/ }

for (const [title, fits] of Object.entries(which)) {
  t.test(`Redis answers ${title} with an error: peers of a node reach each other, and all do afterwards`, async (t) => {
    const redis = await startRedis(t)
    const liar = await liarBefore(t, redis)
    const { nearby, far, known, survived } = await twoNodes(t, redis, [liar.url, redis.url])
    const came = []
    for (const error of title === 'scripts' ? errors : errors.slice(0, 3)) {
      liar.lie(error, fits)
      came.push(await nearby())
      liar.tellTheTruth()
    }
    await far()
    for (const somebody of came) await known(somebody)
    survived()
  })
}
