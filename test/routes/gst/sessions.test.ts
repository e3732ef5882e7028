import t from 'tap'
import { nodesOn } from '../../cluster/nodes.js'
import { buildOnly, type Reachable, until } from '../../helper.js'
import { newest, peer, session } from './peers.js'

const build = buildOnly('gst')
const offer = { sdp: { type: 'offer', sdp: 'v=0 of the offer' } }
const answer = { sdp: { type: 'answer', sdp: 'v=0 of the answer' } }
const ice = { ice: { candidate: 'candidate:1', sdpMLineIndex: 0, sdpMid: '0', usernameFragment: null } }

t.test('a consumer starts a session with a producer, who offers, and what they say reaches the other', async (t) => {
  const app = await build(t)
  const [producer, consumer] = [await peer(t, app, 'producer'), await peer(t, app)]
  consumer.send('startSession', { peerId: producer.id })
  const { sessionId, ...started } = await consumer.next('sessionStarted')
  t.same(started, { type: 'sessionStarted', peerId: producer.id })
  t.same(await producer.client.next(), { type: 'startSession', peerId: consumer.id, sessionId, offer: null })
  producer.send('peer', { sessionId, ...offer })
  t.same(await consumer.client.next(), { type: 'peer', sessionId, ...offer })
  consumer.send('peer', { sessionId, ...answer })
  t.same(await producer.client.next(), { type: 'peer', sessionId, ...answer })
  for (const [one, other] of [[producer, consumer], [consumer, producer]] as const) {
    one.send('peer', { sessionId, ...ice })
    t.same(await other.client.next(), { type: 'peer', sessionId, ...ice })
    one.client.send({ sessionId, more: 1, ...ice, type: 'peer' })
    t.same(await other.client.next(), { type: 'peer', sessionId, ...ice }, 'in another order, and with more in it')
  }
})

t.test('a consumer may offer with the start, and the producer answers', async (t) => {
  const app = await build(t)
  const [producer, consumer] = [await peer(t, app, 'producer'), await peer(t, app)]
  const sessionId = await session(consumer, producer, 'v=0 of the consumer')
  t.same(await producer.client.next(), { type: 'startSession', peerId: consumer.id, sessionId, offer: 'v=0 of the consumer' })
  producer.send('peer', { sessionId, ...answer })
  t.same(await consumer.client.next(), { type: 'peer', sessionId, ...answer })
})

t.test('a producer starts a session with a passive consumer', async (t) => {
  const app = await build(t)
  const [producer, consumer] = [await peer(t, app, 'producer'), await peer(t, app, 'consumer')]
  producer.send('startSession', { peerId: consumer.id })
  const { sessionId } = await consumer.next('sessionStarted')
  t.same(await producer.client.next(), { type: 'startSession', peerId: consumer.id, sessionId, offer: null })
  producer.send('peer', { sessionId, ...offer })
  t.same(await consumer.client.next(), { type: 'peer', sessionId, ...offer })
})

t.test('what cannot be is answered as by the original', async (t) => {
  const app = await build(t)
  const [producer, consumer, nobody] = [await peer(t, app, 'producer'), await peer(t, app), await peer(t, app, 'listener')]
  consumer.send('startSession', { peerId: 'x' })
  t.same(await consumer.client.next(), { type: 'error', details: 'Peer with ID \'x\' not found' })
  consumer.send('startSession', { peerId: nobody.id })
  t.same(await consumer.client.next(), {
    type: 'error', details: `Missing a producer or a consumer: id ${consumer.id} roles [], id ${nobody.id} roles [Listener]`
  })
  const sessionId = await session(consumer, producer)
  consumer.send('peer', { sessionId, ...offer })
  t.same(await consumer.client.next(), {
    type: 'error', details: `cannot forward offer from "${consumer.id}" to "${producer.id}" as "${consumer.id}" is not the producer`
  })
  consumer.send('endSession', { sessionId, error: 'no codec' })
  t.same(await consumer.client.next(), {
    type: 'error',
    details: `Invalid end session message with error from peer '${consumer.id}', minimum protocol version is 1.1`
  })
  nobody.send('peer', { sessionId, ...ice })
  nobody.send('endSession', { sessionId })
  t.same(await nobody.settle(), [], 'a session of others is one that it does not know')
  await producer.next('startSession')
  t.same(await producer.settle(), [])
})

t.test('either side ends a session, once, and the other hears it', async (t) => {
  const app = await build(t)
  const [producer, consumer] = [await peer(t, app, 'producer'), await peer(t, app)]
  for (const [one, other] of [[producer, consumer], [consumer, producer]] as const) {
    const sessionId = await session(consumer, producer)
    await producer.next('startSession')
    one.send('endSession', { sessionId })
    t.same(await other.client.next(), { type: 'endSession', sessionId })
    other.send('peer', { sessionId, ...ice })
    other.send('endSession', { sessionId })
    t.same([...await other.settle(), ...await one.settle()], [], 'it is over for both')
  }
})

t.test('with version 1.1 an end may have an error, and is told in its form', async (t) => {
  const app = await build(t)
  const [producer, consumer] = [await newest(t, app, 'producer'), await newest(t, app)]
  for (const [error, told] of [['no codec', 'no codec'], [undefined, null]]) {
    const sessionId = await session(consumer, producer)
    await producer.next('startSession')
    consumer.send('endSessionV1_1', { sessionId, error })
    t.same(await producer.client.next(), { type: 'endSessionV1_1', sessionId, error: told })
  }
})

t.test('who goes, or is no producer any more, ends its sessions, and each other side hears it once', async (t) => {
  const app = await build(t)
  const producer = await peer(t, app, 'producer')
  const consumers = [await peer(t, app), await peer(t, app), await peer(t, app)]
  const sessions = []
  for (const consumer of consumers) {
    sessions.push(await session(consumer, producer))
    await producer.next('startSession')
  }
  await consumers[0]?.client.close()
  t.same(await producer.client.next(), { type: 'endSession', sessionId: sessions[0] }, 'a consumer that never said a word')
  producer.send('setPeerStatus', { roles: [] })
  for (const at of [1, 2]) t.same(await consumers[at]?.client.next(), { type: 'endSession', sessionId: sessions[at] })
  producer.send('setPeerStatus', { roles: ['producer'] })
  await producer.settle()
  const sessionId = await session(consumers[1] as typeof producer, producer)
  producer.client.socket.terminate()
  t.same(await consumers[1]?.client.next(), { type: 'endSession', sessionId })
  await until(() => app.state.size().peers <= 2)
  t.same(await consumers[1]?.settle(), [])
})

t.test('over two nodes, both sides hear of a session, of its signals, and of the end with a node', async (t) => {
  const { apps } = await nodesOn(t, 2, { DIALECTS: 'gst' })
  const [one, other] = apps as [typeof apps[0] & object, typeof apps[0] & object]
  const at = async (app: Reachable, ...roles: string[]) => await peer(t, app, ...roles)
  const [producer, consumer, passive] = [await at(one, 'producer'), await at(other), await at(other, 'consumer')]
  const sessionId = await session(consumer, producer)
  t.match(await producer.client.next(), { type: 'startSession', peerId: consumer.id, sessionId })
  producer.send('peer', { sessionId, ...offer })
  t.same(await consumer.client.next(), { type: 'peer', sessionId, ...offer })
  const second = await session(producer, passive)
  t.match(await passive.client.next(), { type: 'sessionStarted', peerId: producer.id, sessionId: second })
  await one.close()
  t.same(await consumer.client.next(), { type: 'endSession', sessionId })
  t.same(await passive.client.next(), { type: 'endSession', sessionId: second })
  consumer.send('list')
  t.same(await consumer.next('list'), { type: 'list', producers: [] })
})
