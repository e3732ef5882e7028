import fc from 'fast-check'
import t from 'tap'
import { Value } from '@sinclair/typebox/value'
import { droneBridging } from '../../routes/drone/bridge.js'
import * as drone from '../../routes/drone/schema.js'
import { gstBridging } from '../../routes/gst/bridge.js'
import * as gst from '../../routes/gst/schema.js'
import { GstNode } from '../../routes/gst/sessions.js'
import { peerjsBridging } from '../../routes/peerjs/bridge.js'
import * as peerjs from '../../routes/peerjs/schema.js'
import { psyncBridging } from '../../routes/psync/bridge.js'
import * as psync from '../../routes/psync/schema.js'
import { complete, kindOf, midsOf } from '../../src/bridge/sdp.js'
import type { BridgedCall, Bridging, Candidate, Connection, JsonObject, Signal } from '../../src/kit.js'
import { payloadOf } from '../../src/kit.js'
import { readConfig } from '../../src/settings.js'
import { memoryState } from '../../src/state/memory/state.js'
import { systemClock } from '../../src/timing/clock.js'
import { Timers } from '../../src/timing/timers.js'

// Only where it is kept: a client has none in these tests.
const client = {} as Connection

/** That of gst's peers: of one that is in the session of the call. */
function bridgingOfGst (): Bridging {
  const timers = new Timers((error) => { throw error }, 50, systemClock)
  t.teardown(() => timers.close())
  const node = new GstNode(memoryState(timers, { maxMessages: 1, maxBytes: 1, totalBytes: 1 }), { generateId: () => 'me' })
  node.add(node.open('me', client), { id: call.name, other: call.other, isProducer: true })
  return gstBridging(node)
}

const call: BridgedCall = { id: 'id', kind: 'media', self: 'me', other: 'drone:d', name: 'name', label: undefined }

const dialects: Record<string, { bridging: Bridging, sends: object }> = {
  drone: { bridging: droneBridging(systemClock), sends: drone.sends },
  gst: { bridging: bridgingOfGst(), sends: gst.sends },
  peerjs: { bridging: peerjsBridging(readConfig({}, [])), sends: peerjs.sends },
  psync: { bridging: psyncBridging, sends: psync.sends }
}

/** What a peer of a dialect is sent, checked against what its page says. */
function written ({ bridging, sends }: { bridging: Bridging, sends: object }, signal: Signal): JsonObject[] {
  return bridging.write(signal, call, client).map((frame) => {
    const object = JSON.parse(String(payloadOf(frame))) as JsonObject
    const schema = (sends as Record<string, Parameters<typeof Value.Check>[0]>)[object.type as string]
    t.ok(schema !== undefined && Value.Check(schema, object), JSON.stringify(object))
    return object
  })
}

/** Any text: a description is not looked into, so not even that it is one. */
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string())
const candidates = fc.record({
  kind: fc.constant('candidate' as const),
  candidate: text.filter((text) => text !== ''),
  mid: fc.string({ minLength: 1 }),
  index: fc.nat(20)
})

for (const [name, dialect] of Object.entries(dialects)) {
  t.test(`${name}: a description that was written is read again byte for byte`, async (t) => {
    fc.assert(fc.property(fc.constantFrom('offer' as const, 'answer' as const), text, (kind, sdp) => {
      const [frame] = written(dialect, { kind, sdp })
      const said = dialect.bridging.read(frame as JsonObject)
      return said?.signal.kind === kind && 'sdp' in said.signal && said.signal.sdp === sdp
    }))
    t.pass()
  })

  t.test(`${name}: a candidate that was written is read again byte for byte, with the m-line it belongs to`, async (t) => {
    fc.assert(fc.property(candidates, (candidate) => {
      const [frame] = written(dialect, candidate)
      const said = dialect.bridging.read(frame as JsonObject)
      t.same({ index: 0, ...said?.signal }, candidate)
    }), { numRuns: 50 })
  })

  for (const [otherName, other] of Object.entries(dialects)) {
    if (other === dialect) continue
    t.test(`from ${name} to ${otherName}: what is read of one and written to the other keeps its texts`, async (t) => {
      fc.assert(fc.property(text, candidates, (sdp, candidate) => {
        for (const signal of [{ kind: 'offer', sdp } as const, candidate]) {
          const [frame] = written(dialect, signal)
          const said = dialect.bridging.read(frame as JsonObject)
          const [passed] = written(other, said?.signal as Signal)
          const heard = other.bridging.read(passed as JsonObject)?.signal
          if (signal.kind === 'offer') t.ok(heard?.kind === 'offer' && heard.sdp === sdp)
          else t.ok(heard?.kind === 'candidate' && heard.candidate === signal.candidate)
        }
      }), { numRuns: 50 })
    })
  }

  t.test(`${name}: no frame that a client may write makes it throw`, async (t) => {
    const types = ['offer', 'answer', 'ice', 'candidate', 'OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE', 'startSession', 'peer', 'endSession']
    const load = fc.anything({ maxDepth: 3 })
    fc.assert(fc.property(fc.constantFrom(...types), load, load, load, (type, payload, sdp, candidate) => {
      const frame = { type, payload, sdp, candidate, ice: candidate, offer: sdp, sessionId: payload }
      dialect.bridging.read(JSON.parse(JSON.stringify(frame)) as JsonObject)
    }))
    t.pass()
  })
}

const [ofDrone, ofPsync] = [dialects.drone, dialects.psync] as [typeof dialects[string], typeof dialects[string]]
const heard = (of: typeof ofDrone, frame: JsonObject) => of.bridging.read(frame)?.signal

t.test('the type of a description is that of its frame, whatever the description says', async (t) => {
  t.same(heard(ofDrone, { type: 'offer', sdp: { type: 'answer', sdp: 'v=0' } }), { kind: 'offer', sdp: 'v=0' })
  t.same(heard(ofPsync, { type: 'answer', payload: { sdp: { type: 'offer', sdp: 'v=0' } } }), { kind: 'answer', sdp: 'v=0' })
})

t.test('the end of candidates is read in each of the ways in which clients write it', async (t) => {
  const end = { kind: 'end' }
  for (const candidate of [null, undefined, '', { candidate: '' }]) t.same(heard(ofDrone, { type: 'ice', candidate }), end)
  for (const payload of [null, { candidate: null }, { candidate: '' }]) t.same(heard(ofPsync, { type: 'candidate', payload }), end)
})

t.test('candidates of psync are read as its daemon writes them, and as browsers do', async (t) => {
  const same = { kind: 'candidate', candidate: 'candidate:1', mid: '0', index: 1 }
  for (const payload of [
    { candidate: 'candidate:1', sdp_mid: '0', sdp_mline_index: 1 },
    { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 1 },
    { candidate: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 1 } }
  ]) t.same(heard(ofPsync, { type: 'candidate', payload }), same)
})

t.test('a candidate that names its m-line in one way gets the other, from the offer', async (t) => {
  const mids = midsOf('v=0\r\nm=audio 9 RTP 0\r\na=mid:sound\r\nm=video 9 RTP 0\r\na=mid:picture\r\nm=application 9 SCTP\r\n')
  t.same(mids, ['sound', 'picture', ''])
  const whole = (candidate: Partial<Candidate>) => {
    const { mid, index } = complete({ kind: 'candidate', candidate: 'c', ...candidate }, mids)
    return [mid, index]
  }
  t.same(whole({ mid: 'picture' }), ['picture', 1])
  t.same(whole({ index: 1 }), ['picture', 1])
  t.same(whole({}), ['sound', 0], 'index 0 is left out')
  t.same(whole({ mid: '', index: -1 }), ['sound', 0], 'as Unity writes what it does not know')
  t.same(whole({ mid: 'strange' }), ['strange', 0])
  t.same(whole({ index: 2 }), [undefined, 2])
  t.same(whole({ index: 9 }), [undefined, 9])
})

t.test('a description whose only m-line is application is of a data call, any other of a media call', async (t) => {
  t.equal(kindOf('v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n'), 'data')
  for (const sdp of ['', 'v=0\r\n', 'v=0\r\nm=video 9 RTP 0\r\n', 'v=0\r\nm=application 9 X\r\nm=application 9 X\r\n']) {
    t.equal(kindOf(sdp), 'media', sdp)
  }
})
