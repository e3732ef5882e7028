import { type BridgedCall, type Bridging, candidateIn, type FrameLike, type JsonObject, membersOf, type Said } from '../../src/kit.js'
import { encode, errorMessages } from './schema.js'
import { type GstNode, room } from './sessions.js'

/**
 * How gst's peers call those of other dialects, and are called by them: in sessions, as among each other. For a producer, a peer of another
 * dialect is a consumer that may offer; for others it is a producer that needs their offer.
 */
export function gstBridging (node: GstNode): Bridging {
  return {
    kinds: ['media'],
    // A page of gstwebrtc-api ends a session at a candidate that comes before the description.
    keepsEarly: false,
    namesCalls: true,
    hearsLoss: true,
    endsCalls: true,
    addressOf: (itsRoom, id) => itsRoom === room ? id : undefined,
    placeOf: (id) => ({ room, id }),
    read: readFrame,
    // A peer's frames name the session and not the other peer, so no two callers may give the same name.
    nameOf: ({ id }) => id,

    write (signal, call, connection) {
      const client = node.clientOf(connection)
      if (client === undefined) return []
      const { name: sessionId } = call
      switch (signal.kind) {
        case 'offer': {
          const { sdp } = signal
          if (client.sessions.has(sessionId)) return [described('offer', sdp, call)]
          if (client.isFull) return []
          if (client.roles.includes('producer')) {
            node.add(client, { id: sessionId, other: call.other, isProducer: true })
            return [encode({ type: 'startSession', peerId: call.other, sessionId, offer: sdp })]
          }
          return client.roles.includes('consumer') ? [...started(call), described('offer', sdp, call)] : []
        }
        case 'answer':
          return [...client.sessions.has(sessionId) ? [] : started(call), described('answer', signal.sdp, call)]
        case 'candidate': {
          const { candidate, mid: sdpMid, index: sdpMLineIndex = 0 } = signal
          return [encode({ type: 'peer', sessionId, ice: { candidate, sdpMLineIndex, ...(sdpMid !== undefined && { sdpMid }) } })]
        }
        case 'end':
          // Its clients have no word for it.
          return []
        case 'bye':
          return node.ended(client, sessionId)
      }

      function started ({ other }: BridgedCall): FrameLike[] {
        if (client !== undefined) node.add(client, { id: sessionId, other, isProducer: false })
        return [encode({ type: 'sessionStarted', peerId: other, sessionId })]
      }
    },

    refuse (connection, why, { other, name = '' }) {
      if (why === 'not_allowed') connection.deny()
      else connection.refuse(why === 'absent' ? errorMessages.notFound : errorMessages.elsewhere, other)
      const client = node.clientOf(connection)
      if (client !== undefined) for (const frame of node.ended(client, name)) connection.deliver(frame)
    }
  }
}

function described (type: 'offer' | 'answer', sdp: string, { name: sessionId }: BridgedCall): FrameLike {
  return encode({ type: 'peer', sessionId, sdp: { type, sdp } })
}

function readFrame ({ type, offer, sessionId, sdp, ice }: JsonObject): Said | undefined {
  if (type === 'startSession') return typeof offer === 'string' ? { signal: { kind: 'offer', sdp: offer } } : undefined
  const name = typeof sessionId === 'string' ? sessionId : undefined
  if (type === 'endSession' || type === 'endSessionV1_1') return { signal: { kind: 'bye' }, name }
  if (type !== 'peer') return undefined
  const { type: kind, sdp: text } = membersOf(sdp)
  if (typeof text === 'string' && (kind === 'offer' || kind === 'answer')) return { signal: { kind, sdp: text }, name }
  const signal = ice === undefined || ice === null ? undefined : candidateIn(ice)
  return signal && { signal, name }
}
