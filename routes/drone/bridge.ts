import { type Bridging, type Candidate, candidateIn, type Clock, type Connection, type JsonObject, type Said } from '../../src/kit.js'
import { room } from './room.js'
import { encode, errorMessages, textOf } from './schema.js'
import { timestamp } from './timestamp.js'

/** How drones call peers of other dialects, and are called by them. */
export interface DroneBridging extends Bridging {
  /** Learns in which form a client writes its descriptions: it gets those of others in the same. */
  learn (connection: Connection, sdp: unknown): void
}

export function droneBridging (clock: Clock): DroneBridging {
  /** Clients whose last description was an object. */
  const writers = new WeakSet<Connection>()

  function described (connection: Connection, kind: 'offer' | 'answer', sdp: string): string | { type: string, sdp: string } {
    return writers.has(connection) ? { type: kind, sdp } : sdp
  }

  return {
    kinds: ['media', 'data'],
    keepsEarly: true,
    namesCalls: true,
    hearsLoss: false,
    addressOf: (itsRoom, id) => itsRoom === room ? id : undefined,
    placeOf: (id) => ({ room, id }),
    read: readFrame,
    nameOf: ({ id, name }) => name === id ? `session-${id}` : name,

    write (signal, { other: from, name: sessionId }, connection) {
      const timed = { sessionId, timestamp: timestamp(clock) }
      switch (signal.kind) {
        case 'offer':
        case 'answer':
          return [encode({ type: signal.kind, from, sdp: described(connection, signal.kind, signal.sdp), ...timed })]
        case 'candidate':
          return [encode({ type: 'ice', from, candidate: written(signal), ...timed })]
        case 'end':
          return [encode({ type: 'ice', from, candidate: null, ...timed })]
        case 'bye':
          return []
      }
    },

    refuse (connection, why, { other }) {
      if (why === 'not_allowed') connection.deny()
      else connection.refuse(why === 'absent' ? errorMessages.absent : errorMessages.impossible, other)
    },

    learn (connection, sdp) {
      if (typeof sdp === 'object') writers.add(connection)
      else writers.delete(connection)
    }
  }
}

function readFrame (frame: JsonObject): Said | undefined {
  const { type, sdp, candidate, sessionId } = frame
  const name = textOf(sessionId as string | number | undefined) || undefined
  if (type === 'ice') {
    const signal = typeof candidate === 'string' ? candidateIn({ candidate }) : candidateIn(candidate)
    return signal && { signal, name }
  }
  // The type is the frame's, whatever the description says.
  const text = typeof sdp === 'object' ? (sdp as JsonObject | null)?.sdp : sdp
  return typeof text === 'string' && (type === 'offer' || type === 'answer') ? { signal: { kind: type, sdp: text }, name } : undefined
}

/** As browsers write it. */
function written ({ candidate, mid: sdpMid, index: sdpMLineIndex, usernameFragment }: Candidate): object {
  return {
    candidate,
    ...(sdpMid !== undefined && { sdpMid }),
    ...(sdpMLineIndex !== undefined && { sdpMLineIndex }),
    ...(usernameFragment !== undefined && { usernameFragment })
  }
}
