import t from 'tap'
import { answered, candidate, channels, peerjsFrames, peerOf, pictures, quiet, ways } from './ends.js'

const droneAndPeerjs = { BRIDGE: 'peerjs-drone' }

for (const [where, start] of Object.entries(ways)) {
  t.test(`${where}: a PeerJS page calls a camera that speaks drone, and each hears its own dialect`, async (t) => {
    const [one, other] = await start(t, droneAndPeerjs)
    const [alice, camera] = [await peerOf(t, one, 'peerjs', 'alice'), await peerOf(t, other, 'drone', 'cam-1')]

    alice.send(peerjsFrames.offer('drone:cam-1'))
    alice.send(peerjsFrames.candidate('drone:cam-1', 'mc_1', 1))
    t.match(await camera.next(), { type: 'offer', from: 'peerjs:alice', sdp: pictures, sessionId: 'mc_1', timestamp: /Z$/ })
    t.match(await camera.next(), {
      type: 'ice',
      from: 'peerjs:alice',
      candidate: { candidate: candidate(1), sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'Xy1z' },
      sessionId: 'mc_1'
    })

    // A browser that has called refuses candidates before the answer, so they wait for it.
    camera.send({ type: 'ice', target: 'peerjs:alice', candidate: { candidate: candidate(2), sdpMLineIndex: 1 } })
    camera.send({ type: 'answer', target: 'peerjs:alice', sdp: answered, sessionId: 'mc_1' })
    camera.send({ type: 'ice', target: 'peerjs:alice', candidate: null })
    t.same(await alice.next(), {
      type: 'ANSWER',
      src: 'drone:cam-1',
      dst: 'alice',
      payload: { sdp: { type: 'answer', sdp: answered }, type: 'media', connectionId: 'mc_1' }
    })
    t.same(await alice.next(), {
      type: 'CANDIDATE',
      src: 'drone:cam-1',
      dst: 'alice',
      payload: { candidate: { candidate: candidate(2), sdpMid: '1', sdpMLineIndex: 1 }, type: 'media', connectionId: 'mc_1' }
    }, 'the name of the m-line was looked up')
    t.same(await quiet(alice, 'peerjs'), [], 'PeerJS has no word for the end of candidates')
  })

  t.test(`${where}: a drone calls a PeerJS page`, async (t) => {
    const [one, other] = await start(t, droneAndPeerjs)
    const [drone, alice] = [await peerOf(t, one, 'drone', 'd-1'), await peerOf(t, other, 'peerjs', 'alice')]

    drone.send({ type: 'offer', target: 'peerjs:alice', sdp: pictures })
    drone.send({ type: 'ice', target: 'peerjs:alice', candidate: { candidate: candidate(1), sdpMid: '0', sdpMLineIndex: 0 } })
    const offer = await alice.next()
    t.match(offer, { type: 'OFFER', src: 'drone:d-1', dst: 'alice', payload: { sdp: { type: 'offer', sdp: pictures }, type: 'media' } })
    const { connectionId } = offer.payload as { connectionId: string }
    t.match(connectionId, /^mc_[0-9a-f-]{36}$/)
    t.match(await alice.next(), { type: 'CANDIDATE', payload: { connectionId, candidate: { candidate: candidate(1) } } })

    alice.send(peerjsFrames.answer('drone:d-1', connectionId))
    alice.send(peerjsFrames.candidate('drone:d-1', connectionId, 3))
    const answer = await drone.next()
    t.match(answer, { type: 'answer', from: 'peerjs:alice', sdp: answered, sessionId: /^session-/ })
    t.match(await drone.next(), { type: 'ice', sessionId: answer.sessionId, candidate: { candidate: candidate(3) } })
  })

  t.test(`${where}: candidates for a psync daemon, which keeps none, wait for its answer`, async (t) => {
    const [one, other] = await start(t, { BRIDGE: 'peerjs-psync' })
    const [alice, daemon] = [
      await peerOf(t, one, 'peerjs', 'alice'), await peerOf(t, other, 'psync', 'd', { place: 'a/b' })
    ]
    const target = 'psync:a/b/d'
    const offer = { sdp: channels, type: 'data', connectionId: 'dc_1', label: 'mine', reliable: true, serialization: 'raw' }
    alice.send(peerjsFrames.offer(target, offer))
    for (const number of [1, 2]) alice.send(peerjsFrames.candidate(target, 'dc_1', number))
    t.same(await daemon.next(), { type: 'offer', source_id: 'peerjs:alice', target_id: 'd', payload: { sdp: channels } })

    daemon.send({ type: 'answer', source_id: 'd', target_id: 'peerjs:alice', payload: { sdp: answered } })
    t.match(await alice.next(), { type: 'ANSWER', src: target, payload: { connectionId: 'dc_1', type: 'data', sdp: { sdp: answered } } })
    for (const number of [1, 2]) {
      t.same(await daemon.next(), {
        type: 'candidate',
        source_id: 'peerjs:alice',
        target_id: 'd',
        payload: { candidate: candidate(number), sdp_mid: '0' }
      }, 'flat, and an index of 0 is left out')
    }
    daemon.send({ type: 'candidate', source_id: 'd', target_id: 'peerjs:alice', payload: { candidate: candidate(4), sdp_mid: 'data' } })
    t.match(await alice.next(), {
      payload: { connectionId: 'dc_1', candidate: { candidate: candidate(4), sdpMid: 'data', sdpMLineIndex: 0 } }
    })
  })

  t.test(`${where}: a psync daemon that comes offers to a PeerJS page, with raw data`, async (t) => {
    const [one, other] = await start(t, { BRIDGE: 'psync>peerjs' })
    const [daemon, alice] = [await peerOf(t, one, 'psync', 'd', { place: 'g' }), await peerOf(t, other, 'peerjs', 'alice')]
    daemon.send({ type: 'offer', source_id: 'd', target_id: 'peerjs:alice', payload: { sdp: channels } })
    const offer = await alice.next()
    t.match(offer, {
      type: 'OFFER',
      src: 'psync:g/d',
      payload: { type: 'data', label: 'sync', serialization: 'raw', reliable: true, connectionId: /^dc_/, sdp: { sdp: channels } }
    })
    const { connectionId } = offer.payload as { connectionId: string }
    daemon.send({ type: 'candidate', source_id: 'd', target_id: 'peerjs:alice', payload: { candidate: candidate(1) } })
    t.match(await alice.next(), { payload: { connectionId, candidate: { candidate: candidate(1), sdpMid: 'data', sdpMLineIndex: 0 } } })
    // A candidate that comes before the answer would be lost at the daemon.
    alice.send(peerjsFrames.candidate('psync:g/d', connectionId, 2))
    alice.send(peerjsFrames.answer('psync:g/d', connectionId, channels))
    t.same(await daemon.next(), { type: 'answer', source_id: 'peerjs:alice', target_id: 'd', payload: { sdp: channels } })
    t.match(await daemon.next(), { type: 'candidate', payload: { candidate: candidate(2) } })
  })

  t.test(`${where}: who calls nobody hears it at once, in its own words, and its candidates are not answered`, async (t) => {
    const [one] = await start(t, { BRIDGE: 'peerjs-drone,drone-psync' })
    const [alice, drone] = [await peerOf(t, one, 'peerjs', 'alice'), await peerOf(t, one, 'drone', 'd-1')]
    alice.send(peerjsFrames.offer('drone:nobody'))
    alice.send(peerjsFrames.candidate('drone:nobody', 'mc_1', 1))
    t.same(await quiet(alice, 'peerjs'), [{ type: 'EXPIRE', src: 'drone:nobody', dst: 'alice' }])
    drone.send({ type: 'offer', target: 'psync:g/nobody', sdp: channels })
    t.same(await quiet(drone, 'drone'), [{ type: 'error', message: 'Target client not found', details: 'psync:g/nobody' }])
  })

  t.test(`${where}: when a called drone goes, the PeerJS page hears LEAVE, once`, async (t) => {
    const [one, other] = await start(t, droneAndPeerjs)
    const [alice, camera] = [await peerOf(t, one, 'peerjs', 'alice'), await peerOf(t, other, 'drone', 'cam-1')]
    for (const connectionId of ['mc_1', 'mc_2']) alice.send(peerjsFrames.offer('drone:cam-1', { connectionId }))
    await camera.next()
    camera.send({ type: 'answer', target: 'peerjs:alice', sdp: answered, sessionId: 'mc_1' })
    await alice.nextOf('ANSWER')
    await camera.close()
    t.same(await alice.next(), { type: 'LEAVE', src: 'drone:cam-1', dst: 'alice' })
    t.same(await quiet(alice, 'peerjs'), [])
  })

  t.test(`${where}: when a called PeerJS page goes before it answers, the drone hears that it is not there`, async (t) => {
    const [one, other] = await start(t, droneAndPeerjs)
    const [drone, alice] = [await peerOf(t, one, 'drone', 'd-1'), await peerOf(t, other, 'peerjs', 'alice')]
    drone.send({ type: 'offer', target: 'peerjs:alice', sdp: pictures })
    await alice.next()
    await alice.close()
    t.same(await drone.next(), { type: 'error', message: 'Target client not found', details: 'peerjs:alice' })
  })
}
