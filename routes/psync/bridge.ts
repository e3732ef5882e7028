import { type Bridging, type Candidate, candidateIn, type JsonObject, membersOf, type Said, type Signal } from '../../src/kit.js'
import { roomOf, roomPrefix } from './room.js'
import { encode, errorMessages } from './schema.js'

/** The daemon's data channel. */
const label = 'sync'

/** How psync's peers call those of other dialects, and are called by them: over data channels, from within their group. */
export const psyncBridging: Bridging = {
  kinds: ['data'],
  // The daemon drops candidates of a peer that it does not know, and fails at those that come before the description.
  keepsEarly: false,
  namesCalls: false,
  hearsLoss: false,
  addressOf: (room, id) => room.startsWith(roomPrefix) ? `${room.slice(roomPrefix.length)}/${id}` : undefined,

  placeOf (address) {
    const slash = address.lastIndexOf('/')
    if (slash <= 0 || slash === address.length - 1) return undefined
    return { room: roomOf(address.slice(0, slash)), id: address.slice(slash + 1) }
  },

  mayReach: (permit, room) => permit.enterGroup(room.slice(roomPrefix.length)),
  read: readFrame,
  nameOf: ({ id }) => id,

  write (signal, { self, other }) {
    const between = { source_id: other, target_id: self }
    switch (signal.kind) {
      case 'offer':
      case 'answer':
        return [encode({ type: signal.kind, ...between, payload: { sdp: signal.sdp } })]
      case 'candidate':
        return [encode({ type: 'candidate', ...between, payload: written(signal) })]
      case 'end':
      case 'bye':
        // The daemon has no word for either.
        return []
    }
  },

  refuse (connection, why, { other }) {
    if (why === 'not_allowed') connection.deny()
    else connection.refuse(why === 'absent' ? errorMessages.absent : errorMessages.impossible, other)
  }
}

function readFrame ({ type, payload }: JsonObject): Said | undefined {
  const { sdp } = membersOf(payload)
  if (type === 'candidate') {
    const signal = readCandidate(payload)
    return signal && { signal }
  }
  // Browsers write a description as an object. The type is the frame's, whatever that says.
  const text = typeof sdp === 'string' ? sdp : membersOf(sdp).sdp
  if (typeof text !== 'string') return undefined
  if (type === 'offer') return { signal: { kind: type, sdp: text }, label }
  return type === 'answer' ? { signal: { kind: type, sdp: text } } : undefined
}

/** As the daemon writes a candidate, where an index of 0 is left out; or as browsers do, alone or as the member `candidate`. */
function readCandidate (payload: unknown): Signal | undefined {
  if (payload === null) return { kind: 'end' }
  const flat = membersOf(payload)
  if (flat.candidate === null || flat.candidate === '') return { kind: 'end' }
  const members = typeof flat.candidate === 'string' ? flat : membersOf(flat.candidate)
  const { candidate, sdp_mid: sdpMid = members.sdpMid, sdp_mline_index: sdpMLineIndex = members.sdpMLineIndex, usernameFragment } = members
  return candidateIn({ candidate, sdpMid, sdpMLineIndex, usernameFragment })
}

/** As the daemon reads it. */
function written ({ candidate, mid, index = 0 }: Candidate): object {
  return { candidate, ...(mid !== undefined && { sdp_mid: mid }), ...(index > 0 && { sdp_mline_index: index }) }
}
