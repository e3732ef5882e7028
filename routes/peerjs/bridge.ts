import { Value } from '@sinclair/typebox/value'
import {
  type BridgedCall, type Bridging, candidateIn, type Config, IdSchema, type JsonObject, membersOf, type Said
} from '../../src/kit.js'
import { defaultKey, roomOf } from './room.js'
import { encode } from './schema.js'

/** What a peer of another dialect can read over a data channel: PeerJS packs everything else in a form of its own. */
const readable: ReadonlySet<unknown> = new Set(['raw', 'json'])

/** How PeerJS peers call those of other dialects, and are called by them: those of the default key. */
export function peerjsBridging (config: Config): Bridging {
  const room = roomOf(defaultKey(config))
  return {
    kinds: ['media', 'data'],
    keepsEarly: true,
    namesCalls: true,
    hearsLoss: true,
    addressOf: (itsRoom, id) => itsRoom === room ? id : undefined,
    placeOf: (id) => ({ room, id }),
    read: readFrame,
    nameOf: ({ id, kind }) => `${kind === 'data' ? 'dc' : 'mc'}_${id}`,

    write (signal, call) {
      const { self: dst, other: src, kind: type, name: connectionId } = call
      switch (signal.kind) {
        case 'offer':
          return [encode({ type: 'OFFER', src, dst, payload: offered(signal.sdp, call) })]
        case 'answer':
          return [encode({ type: 'ANSWER', src, dst, payload: { sdp: { type: 'answer', sdp: signal.sdp }, type, connectionId } })]
        case 'candidate': {
          const { candidate, mid, index, usernameFragment } = signal
          const written = { candidate, sdpMid: mid ?? null, sdpMLineIndex: index ?? null, usernameFragment }
          return [encode({ type: 'CANDIDATE', src, dst, payload: { candidate: written, type, connectionId } })]
        }
        case 'end':
          // The client has no word for it.
          return []
        case 'bye':
          return [encode({ type: 'LEAVE', src, dst })]
      }
    },

    // Never ERROR, at which a client gives up.
    refuse: (connection, _why, { self: dst, other: src }) => { connection.deliver(encode({ type: 'EXPIRE', src, dst })) }
  }
}

/** A client throws for a data connection whose serialization it does not know. */
function offered (sdp: string, { kind: type, name: connectionId, label = connectionId }: BridgedCall): object {
  const payload = { sdp: { type: 'offer', sdp }, type, connectionId }
  return type === 'data' ? { ...payload, label, reliable: true, serialization: 'raw' } : payload
}

function readFrame ({ type, payload }: JsonObject): Said | undefined {
  if (type === 'LEAVE') return { signal: { kind: 'bye' } }
  const { sdp, candidate, type: kind, connectionId, label, serialization } = membersOf(payload)
  // It is remembered, and may become the name of a drone's session.
  if (connectionId !== undefined && !Value.Check(IdSchema, connectionId)) return undefined
  const name = connectionId === undefined ? {} : { name: connectionId }
  if (type === 'CANDIDATE') {
    const signal = candidateIn(candidate)
    return signal && { signal, ...name }
  }
  const text = typeof sdp === 'string' ? sdp : membersOf(sdp).sdp
  if (typeof text !== 'string') return undefined
  if (type === 'ANSWER') return { signal: { kind: 'answer', sdp: text }, ...name }
  if (type !== 'OFFER') return undefined
  return {
    signal: { kind: 'offer', sdp: text },
    ...name,
    ...(Value.Check(IdSchema, label) && { label }),
    isUnreadable: kind === 'data' && !readable.has(serialization)
  }
}
