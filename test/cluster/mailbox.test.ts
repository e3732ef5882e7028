import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { begin, type Client, connect, type Frame } from '../helper.js'
import { startRedis } from '../redis.js'
import { build } from '../helper.js'
import { eventually, nodesOn } from './nodes.js'

const keepMs = 500

async function peer (t: Test, app: FastifyInstance | undefined, id: string): Promise<Client> {
  const client = await connect(t, app as FastifyInstance, `/peerjs?key=peerjs&id=${id}&token=t`)
  await client.nextOf('OPEN')
  return client
}

/** All frames that have come so far, or that come until mail sent now would have expired. */
async function untilExpiry (client: Client): Promise<Frame[]> {
  const marker = `marker${Math.random()}`
  client.send({ type: 'OFFER', dst: marker, payload: 0 })
  const came: Frame[] = []
  await client.nextThat((frame) => {
    if (frame.src !== marker) came.push(frame)
    return frame.src === marker
  })
  return came
}

t.test('what is kept on one node is delivered on another, in order and once', async (t) => {
  const { apps: [one, other, third] } = await nodesOn(t, 3, { PEERJS_EXPIRE_TIMEOUT: String(keepMs) })
  const sender = await peer(t, one, 'a')
  for (let at = 0; at < 5; at++) sender.send({ type: 'CANDIDATE', dst: 'b', payload: at })
  sender.send({ type: 'NONSENSE' })
  await sender.nextOf('ERROR')
  const receiver = await peer(t, other, 'b')
  for (let at = 0; at < 5; at++) t.match(await receiver.next(), { type: 'CANDIDATE', src: 'a', payload: at })
  const again = await peer(t, third, 'b')
  t.same(await untilExpiry(sender), [], 'the sender hears nothing')
  t.same(again.taken(), [], 'and who comes later gets nothing')
})

t.test('what nobody fetches expires once', async (t) => {
  const { redis, apps: [one, other] } = await nodesOn(t, 2, { PEERJS_EXPIRE_TIMEOUT: String(keepMs) })
  const sender = await peer(t, one, 'a')
  for (let at = 0; at < 3; at++) sender.send({ type: 'CANDIDATE', dst: 'b', payload: at })
  t.same(await sender.nextOf('EXPIRE'), { type: 'EXPIRE', src: 'b', dst: 'a' })
  t.same(await untilExpiry(sender), [])
  t.same(await redis.client.keys('*mail*'), [])
  const receiver = await peer(t, other, 'b')
  t.same(await untilExpiry(receiver), [])
})

t.test('EXPIRE finds a sender that has moved to another node', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, { PEERJS_EXPIRE_TIMEOUT: String(keepMs) })
  const sender = await peer(t, one, 'a')
  sender.send({ type: 'OFFER', dst: 'b', payload: 0 })
  sender.send({ type: 'NONSENSE' })
  await sender.nextOf('ERROR')
  const moved = await peer(t, other, 'a')
  t.equal((await sender.closed).code, 4000)
  t.same(await moved.next(), { type: 'EXPIRE', src: 'b', dst: 'a' })
})

t.test('mail whose receiver joins on a third node as it expires is delivered or expires, never both and never neither', async (t) => {
  const { apps: [one, , third] } = await nodesOn(t, 3, { PEERJS_EXPIRE_TIMEOUT: String(keepMs) })
  const sender = await peer(t, one, 'a')
  const receivers = 120
  const delivered = new Map<string, number>()
  const expired = new Map<string, number>()
  const count = (map: Map<string, number>, id: string) => map.set(id, (map.get(id) ?? 0) + 1)
  sender.socket.on('message', (data) => {
    const { type, src } = JSON.parse(String(data)) as Frame
    if (type === 'EXPIRE') count(expired, String(src))
  })
  const startedAt = performance.now()
  for (let at = 0; at < receivers; at++) sender.send({ type: 'OFFER', dst: `r${at}`, payload: 0 })
  for (let at = 0; at < receivers; at++) {
    // They connect one after the other around the moment of expiry.
    const dueAt = startedAt + keepMs - 150 + at * 2
    if (performance.now() < dueAt) await delay(dueAt - performance.now())
    const { socket } = begin(t, third as FastifyInstance, `/peerjs?key=peerjs&id=r${at}&token=t`)
    socket.on('message', (data) => { if (String(data).includes('OFFER')) count(delivered, `r${at}`) })
  }
  await eventually(() => delivered.size + expired.size >= receivers)
  await untilExpiry(sender)
  const outcomes = Array.from({ length: receivers }, (_, at) => (delivered.get(`r${at}`) ?? 0) + (expired.get(`r${at}`) ?? 0))
  t.ok(outcomes.every((times) => times === 1), `${delivered.size} delivered, ${expired.size} expired`)
})

t.test('a receiver that joins on another node just as it is written to gets each frame once', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, { MESSAGE_BURST: '10000' })
  const sender = await peer(t, one, 'a')
  for (let round = 0; round < 20; round++) {
    const receiver = begin(t, other as FastifyInstance, `/peerjs?key=peerjs&id=r${round}&token=t`)
    for (let at = 0; at < 40; at++) sender.send({ type: 'CANDIDATE', dst: `r${round}`, payload: at })
    await receiver.nextOf('OPEN')
    const got = []
    for (let at = 0; at < 40; at++) got.push((await receiver.next()).payload)
    t.same(got, Array.from({ length: 40 }, (_, at) => at))
    t.same(receiver.taken(), [])
  }
})

t.test('mail that Redis loses with everything else is answered with EXPIRE', async (t) => {
  const redis = await startRedis(t)
  const app = await build(t, { REDIS_URL: redis.url, PEERJS_EXPIRE_TIMEOUT: '60000' })
  const sender = await peer(t, app, 'a')
  sender.send({ type: 'OFFER', dst: 'b', payload: 0 })
  sender.send({ type: 'NONSENSE' })
  await sender.nextOf('ERROR')
  redis.process.kill('SIGKILL')
  await eventually(() => !app.state.isReady)
  await startRedis(t, redis.port)
  t.same(await sender.nextOf('EXPIRE'), { type: 'EXPIRE', src: 'b', dst: 'a' })
})
