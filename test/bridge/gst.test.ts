import t from 'tap'
import { bearing, withSecret } from '../auth/tokens.js'
import { build, type Client, type Frame, urlOf } from '../helper.js'
import { bearer, newest, type Peer, peer } from '../routes/gst/peers.js'
import { buildInVirtualTime } from '../virtual-time.js'
import { answered, candidate, channels, peerjsFrames, peerOf, pictures, quiet, ways } from './ends.js'

const bridged = { DIALECTS: 'drone,gst,peerjs', BRIDGE: 'peerjs-gst,drone-gst,peerjs-drone' }
const sdp = (type: 'offer' | 'answer', sdp: string) => ({ sdp: { type, sdp } })
const ice = (number: number) => ({ ice: { candidate: candidate(number), sdpMLineIndex: 0 } })
const notFound = (id: string) => ({ type: 'error', details: `Peer with ID '${id}' not found` })

/** A PeerJS page calls a producer, who is asked by the server to answer its offer. */
async function called (alice: Client, producer: Peer, connectionId = 'mc_1'): Promise<string> {
  alice.send(peerjsFrames.offer(`gst:${producer.id}`, { connectionId }))
  const { sessionId, ...started } = await producer.next('startSession')
  if (started.peerId !== 'peerjs:alice' || started.offer !== pictures) throw new Error(JSON.stringify(started))
  return String(sessionId)
}

for (const [where, start] of Object.entries(ways)) {
  t.test(`${where}: a PeerJS page calls a producer that answers offers`, async (t) => {
    const [one, other] = await start(t, bridged)
    const [alice, producer] = [await peerOf(t, one, 'peerjs', 'alice'), await peer(t, other, 'producer', 'listener')]
    const target = `gst:${producer.id}`
    alice.send(peerjsFrames.offer(target))
    alice.send(peerjsFrames.candidate(target, 'mc_1', 1))
    const { sessionId, ...started } = await producer.next('startSession')
    t.same(started, { type: 'startSession', peerId: 'peerjs:alice', offer: pictures })
    t.match(sessionId, /^[0-9a-f-]{36}$/)
    producer.send('peer', { sessionId, ...ice(2) })
    producer.send('peer', { sessionId, ...sdp('answer', answered) })
    t.same(await alice.next(), {
      type: 'ANSWER',
      src: target,
      dst: 'alice',
      payload: { sdp: { type: 'answer', sdp: answered }, type: 'media', connectionId: 'mc_1' }
    })
    t.match(await alice.next(), {
      type: 'CANDIDATE', payload: { candidate: { candidate: candidate(2), sdpMid: '0', sdpMLineIndex: 0 }, connectionId: 'mc_1' }
    })
    t.same(await producer.client.next(), {
      type: 'peer', sessionId, ice: { candidate: candidate(1), sdpMLineIndex: 0, sdpMid: '0' }
    }, 'candidates wait for the answer: a page of gstwebrtc-api ends the session at one that comes before it')
    t.same([await quiet(alice, 'peerjs'), await producer.settle()], [[], []])
  })

  t.test(`${where}: a producer that only offers, as pages do, turns the call: PeerJS gets one to answer in place of its own`, async (t) => {
    const [one, other] = await start(t, bridged)
    const [alice, producer] = [await peerOf(t, one, 'peerjs', 'alice'), await peer(t, other, 'producer')]
    const target = `gst:${producer.id}`
    const sessionId = await called(alice, producer)
    alice.send(peerjsFrames.candidate(target, 'mc_1', 1))
    producer.send('peer', { sessionId, ...sdp('offer', answered) })
    producer.send('peer', { sessionId, ...ice(2) })
    t.same(await alice.next(), {
      type: 'OFFER', src: target, dst: 'alice', payload: { sdp: { type: 'offer', sdp: answered }, type: 'media', connectionId: 'mc_1' }
    }, 'under its own connection id, so that the client closes its call')
    t.match(await alice.next(), { type: 'CANDIDATE', payload: { candidate: { candidate: candidate(2), sdpMid: '0' } } })
    alice.send(peerjsFrames.candidate(target, 'mc_1', 3))
    alice.send(peerjsFrames.answer(target, 'mc_1', pictures))
    alice.send(peerjsFrames.candidate(target, 'mc_1', 4))
    t.same(await producer.client.next(), { type: 'peer', sessionId, ...sdp('answer', pictures) })
    t.match(await producer.client.next(), { ice: { candidate: candidate(4) } }, 'candidates of the page’s own offer are of no use')
    t.same([await quiet(alice, 'peerjs'), await producer.settle()], [[], []])
    alice.send({ type: 'LEAVE', dst: target })
    t.same(await producer.client.next(), { type: 'endSession', sessionId })
  })

  t.test(`${where}: a producer calls a PeerJS page and a drone, which answer`, async (t) => {
    const [one, other] = await start(t, bridged)
    const producer = await peer(t, one, 'producer')
    const [alice, drone] = [await peerOf(t, other, 'peerjs', 'alice'), await peerOf(t, other, 'drone', 'd')]
    for (const peerId of ['peerjs:alice', 'drone:d']) {
      producer.send('startSession', { peerId })
      const { sessionId, ...started } = await producer.next('startSession')
      t.same(started, { type: 'startSession', peerId, offer: null }, 'as for a passive consumer')
      producer.send('peer', { sessionId, ...sdp('offer', pictures) })
      producer.send('peer', { sessionId, ...ice(1) })
      if (peerId === 'drone:d') {
        t.match(await drone.next(), { type: 'offer', from: `gst:${producer.id}`, sdp: pictures, sessionId })
        t.match(await drone.next(), { type: 'ice', candidate: { candidate: candidate(1), sdpMid: '0', sdpMLineIndex: 0 }, sessionId })
        drone.send({ type: 'answer', target: `gst:${producer.id}`, sdp: answered, sessionId })
      } else {
        const { payload, src } = await alice.nextOf('OFFER')
        t.equal(src, `gst:${producer.id}`)
        t.match(payload, { type: 'media', connectionId: /^mc_/, sdp: { sdp: pictures } })
        t.match(await alice.next(), { type: 'CANDIDATE', payload: { candidate: { candidate: candidate(1) } } })
        alice.send(peerjsFrames.answer(String(src), (payload as Frame).connectionId))
      }
      t.same(await producer.client.next(), { type: 'peer', sessionId, ...sdp('answer', answered) })
    }
  })

  t.test(`${where}: a consumer calls a drone and a PeerJS page with an offer, and its session begins with the answer`, async (t) => {
    const [one, other] = await start(t, bridged)
    const consumer = await peer(t, one)
    const [alice, drone] = [await peerOf(t, other, 'peerjs', 'alice'), await peerOf(t, other, 'drone', 'cam-1')]
    for (const peerId of ['drone:cam-1', 'peerjs:alice']) {
      consumer.send('startSession', { peerId, offer: pictures })
      if (peerId === 'drone:cam-1') {
        const { sessionId, ...offer } = await drone.nextOf('offer')
        t.match(offer, { from: `gst:${consumer.id}`, sdp: pictures })
        drone.send({ type: 'ice', target: offer.from, candidate: { candidate: candidate(1), sdpMid: '0' }, sessionId })
        drone.send({ type: 'answer', target: offer.from, sdp: answered, sessionId })
      } else {
        const { src, payload } = await alice.nextOf('OFFER')
        alice.send(peerjsFrames.candidate(String(src), (payload as Frame).connectionId, 1))
        alice.send(peerjsFrames.answer(String(src), (payload as Frame).connectionId))
      }
      const { sessionId, ...started } = await consumer.next('sessionStarted')
      t.same(started, { type: 'sessionStarted', peerId })
      t.same(await consumer.client.next(), { type: 'peer', sessionId, ...sdp('answer', answered) })
      t.match(await consumer.client.next(), { type: 'peer', sessionId, ...ice(1) })
      consumer.send('peer', { sessionId, ...ice(2) })
      const { candidate: heard } = peerId === 'drone:cam-1' ? await drone.nextOf('ice') : (await alice.nextOf('CANDIDATE')).payload as Frame
      t.match(heard, { candidate: candidate(2), sdpMid: '0', sdpMLineIndex: 0 })
      consumer.send('peer', { sessionId, ...sdp('offer', pictures) })
      t.match(await consumer.client.next(), { type: 'error', details: /^cannot forward offer from/ })
    }
  })

  t.test(`${where}: a PeerJS page calls a passive consumer, who gets its offer as from a producer`, async (t) => {
    const [one, other] = await start(t, bridged)
    const [alice, consumer] = [await peerOf(t, one, 'peerjs', 'alice'), await peer(t, other, 'consumer')]
    alice.send(peerjsFrames.offer(`gst:${consumer.id}`))
    const { sessionId, ...started } = await consumer.next('sessionStarted')
    t.same(started, { type: 'sessionStarted', peerId: 'peerjs:alice' })
    t.same(await consumer.client.next(), { type: 'peer', sessionId, ...sdp('offer', pictures) })
    consumer.send('peer', { sessionId, ...sdp('answer', answered) })
    t.match(await alice.next(), { type: 'ANSWER', payload: { connectionId: 'mc_1' } })
  })

  t.test(`${where}: a session that a producer ends is one call, and PeerJS hears LEAVE after the last of the two`, async (t) => {
    const [one, other] = await start(t, bridged)
    const [alice, producer] = [await peerOf(t, one, 'peerjs', 'alice'), await newest(t, other, 'producer')]
    const left = { type: 'LEAVE', src: `gst:${producer.id}`, dst: 'alice' }
    const sessions = [await called(alice, producer, 'mc_1'), await called(alice, producer, 'mc_2')]
    for (const sessionId of sessions) {
      producer.send('peer', { sessionId, ...sdp('answer', answered) })
      await alice.nextOf('ANSWER')
    }
    producer.send('endSessionV1_1', { sessionId: sessions[0], error: 'no codec' })
    await producer.settle()
    producer.send('peer', { sessionId: sessions[1], ...ice(1) })
    t.match(await alice.next(), { type: 'CANDIDATE', payload: { connectionId: 'mc_2' } }, 'LEAVE would have ended this one, too')
    producer.send('endSession', { sessionId: sessions[1] })
    t.same(await alice.next(), left)
    const refused = await called(alice, producer, 'mc_3')
    producer.send('endSession', { sessionId: refused })
    t.same(await alice.next(), left, 'also of a call that was not answered')
    t.same(await quiet(alice, 'peerjs'), [])
  })

  t.test(`${where}: when a page of PeerJS goes, each session with it ends; when a producer does, PeerJS hears LEAVE`, async (t) => {
    const [one, other] = await start(t, bridged)
    const producer = await peer(t, other, 'producer')
    const alice = await peerOf(t, one, 'peerjs', 'alice')
    const sessions = [await called(alice, producer, 'mc_1'), await called(alice, producer, 'mc_2')]
    producer.send('peer', { sessionId: sessions[0], ...sdp('answer', answered) })
    await alice.nextOf('ANSWER')
    await alice.close()
    const ended = [await producer.next('endSession'), await producer.next('endSession')]
    t.same(ended.map(({ sessionId }) => sessionId).sort(), sessions.sort())

    const again = await peerOf(t, one, 'peerjs', 'alice')
    await called(again, producer)
    producer.send('setPeerStatus', { roles: ['listener'] })
    t.same(await again.next(), { type: 'LEAVE', src: `gst:${producer.id}`, dst: 'alice' })
    again.send(peerjsFrames.offer(`gst:${producer.id}`))
    t.same(await again.next(), { type: 'EXPIRE', src: `gst:${producer.id}`, dst: 'alice' }, 'a listener takes no calls')
    producer.send('setPeerStatus', { roles: ['producer'] })
    await producer.settle()
    await called(again, producer)
    await producer.client.close()
    t.same(await again.next(), { type: 'LEAVE', src: `gst:${producer.id}`, dst: 'alice' })
  })

  t.test(`${where}: who cannot be called is named in gst’s words, and a session that was asked for ends`, async (t) => {
    const [one] = await start(t, bridged)
    const [consumer, producer] = [await peer(t, one), await peer(t, one, 'producer')]
    consumer.send('startSession', { peerId: 'drone:nobody', offer: pictures })
    t.same(await consumer.client.next(), notFound('drone:nobody'))
    producer.send('startSession', { peerId: 'peerjs:nobody' })
    const { sessionId } = await producer.next('startSession')
    producer.send('peer', { sessionId, ...sdp('offer', pictures) })
    t.same(await producer.client.next(), notFound('peerjs:nobody'))
    t.same(await producer.client.next(), { type: 'endSession', sessionId })
    producer.send('peer', { sessionId, ...ice(1) })
    t.same(await producer.settle(), [], 'what it still says is ignored')
    for (const offer of [undefined, null, channels]) {
      consumer.send('startSession', { peerId: 'drone:nobody', offer })
      t.same(await consumer.client.next(), {
        type: 'error',
        details: 'Peer with ID \'drone:nobody\' is of another dialect: it takes an offer of pictures or sound, in startSession'
      }, 'a camera that speaks drone waits for an offer')
    }
  })
}

t.test('without BRIDGE, and for a pair that is not listed, a target of another dialect is one that nobody has', async (t) => {
  for (const pairs of [{}, { BRIDGE: 'peerjs-drone' }, { BRIDGE: 'drone>gst' }]) {
    const app = await build(t, { DIALECTS: bridged.DIALECTS, ...pairs, PEERJS_EXPIRE_TIMEOUT: '500' })
    const [producer, consumer] = [await peer(t, app, 'producer'), await peer(t, app)]
    const [alice] = [await peerOf(t, app, 'peerjs', 'alice'), await peerOf(t, app, 'drone', 'd')]
    for (const peerId of ['peerjs:alice', 'drone:d']) {
      for (const from of [producer, consumer]) {
        from.send('startSession', { peerId, offer: pictures })
        t.same(await from.client.next(), notFound(peerId), JSON.stringify(pairs))
      }
    }
    alice.send(peerjsFrames.offer(`gst:${producer.id}`))
    t.same(await alice.next(), { type: 'EXPIRE', src: `gst:${producer.id}`, dst: 'alice' })
    t.same(await producer.settle(), [])
  }
})

t.test('of a pair that is listed one way, who is called may still turn the call', async (t) => {
  const app = await build(t, { ...bridged, BRIDGE: 'peerjs>gst' })
  const [alice, producer] = [await peerOf(t, app, 'peerjs', 'alice'), await peer(t, app, 'producer')]
  const sessionId = await called(alice, producer)
  producer.send('peer', { sessionId, ...sdp('offer', answered) })
  t.match(await alice.next(), { type: 'OFFER', payload: { connectionId: 'mc_1' } })
  alice.send(peerjsFrames.answer(`gst:${producer.id}`, 'mc_1'))
  t.same(await producer.client.next(), { type: 'peer', sessionId, ...sdp('answer', answered) })
  const metrics = await (await fetch(`${urlOf(app)}/metrics`)).text()
  t.match(metrics, 'signalbox_bridge_calls_total{from="peerjs",to="gst",outcome="turned"} 1')
  t.match(metrics, 'signalbox_bridge_calls_total{from="gst",to="peerjs",outcome="answered"} 1')
})

t.test('with auth, both tokens are asked', async (t) => {
  const app = await build(t, { ...bridged, ...withSecret })
  const alice = await peerOf(t, app, 'peerjs', 'alice', bearing({ sub: 'alice', bridge: ['gst'] }))
  const open = await bearer(t, app, bearing({ sub: 'camera' }), 'producer')
  const shut = await bearer(t, app, bearing({ sub: 'camera', bridge: [] }), 'producer')
  await called(alice, open)
  alice.send(peerjsFrames.offer(`gst:${shut.id}`))
  t.same(await alice.next(), { type: 'EXPIRE', src: `gst:${shut.id}`, dst: 'alice' })
  for (const producer of [open, shut]) {
    producer.send('startSession', { peerId: 'peerjs:alice' })
    const { sessionId } = await producer.next('startSession')
    producer.send('peer', { sessionId, ...sdp('offer', pictures) })
    t.same(await producer.client.next(), { type: 'error', details: 'not allowed' })
    t.same(await producer.client.next(), { type: 'endSession', sessionId })
  }
  t.same(await quiet(alice, 'peerjs'), [])
})

t.test('a call that nobody answers within 30 s ends at both ends, turned or not', async (t) => {
  const { app, pass } = await buildInVirtualTime(t, bridged)
  const [alice, producer, consumer] = [await peerOf(t, app, 'peerjs', 'alice'), await peer(t, app, 'producer'), await peer(t, app)]
  await peerOf(t, app, 'drone', 'd')
  const plain = await called(alice, producer, 'mc_1')
  const turned = await called(alice, producer, 'mc_2')
  producer.send('peer', { sessionId: turned, ...sdp('offer', answered) })
  await alice.nextOf('OFFER')
  consumer.send('startSession', { peerId: 'drone:d', offer: pictures })
  await consumer.settle()
  await pass(31_000)
  const told = [await producer.client.next(), await producer.client.next(), await producer.client.next()]
  t.same(told.filter(({ type }) => type === 'endSession').map(({ sessionId }) => sessionId).sort(), [plain, turned].sort())
  t.same(told.filter(({ type }) => type === 'error'), [notFound('peerjs:alice')], 'of the call that has become its own')
  t.same(await consumer.client.next(), notFound('drone:d'))
  t.same(await quiet(alice, 'peerjs'), [{ type: 'EXPIRE', src: `gst:${producer.id}`, dst: 'alice' }])
  producer.send('peer', { sessionId: plain, ...sdp('answer', answered) })
  t.same(await producer.settle(), [], 'it is a session that is over')
})

t.test('GET /bridge/peers lists gst’s peers by the ids that others call', async (t) => {
  const app = await build(t, { ...bridged, ALLOW_DISCOVERY: 'true' })
  const producer = await peer(t, app, 'producer')
  t.same(await (await fetch(`${urlOf(app)}/bridge/peers?dialect=gst`)).json(), [`gst:${producer.id}`])
})
