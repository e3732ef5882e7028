import type { DefaultDialectName } from '../settings.js'
import type { ClientDialect, Frame } from './dialect.js'

/** The dialects that Signalbox speaks by default. */
export const clients = {
  peerjs: {
    name: 'peerjs',
    takesNames: true,
    path: (id, token = 'token') => `/peerjs?key=peerjs&token=${encodeURIComponent(token)}&id=${encodeURIComponent(id)}`,
    registration: () => [],
    welcome: ({ type }) => type === 'OPEN' ? {} : undefined,
    offer: (_from, dst, payload) => ({ type: 'OFFER', payload, dst }),
    candidate: (_from, dst, payload) => ({ type: 'CANDIDATE', payload, dst }),
    received: ({ type, src, payload }) => type === 'OFFER' || type === 'CANDIDATE' ? { sender: String(src), load: payload } : undefined
  },
  rooms: {
    name: 'rooms',
    takesNames: false,
    path: () => '/rooms',
    registration: (_id, roomId) => [roomId === undefined ? { type: 'create' } : { type: 'join', roomId }],
    welcome: ({ type, roomId, myId }) =>
      type === 'room_created' || type === 'room_joined' ? { id: String(myId), place: String(roomId) } : undefined,
    offer: (_from, _to, payload) => ({ type: 'signal', payload }),
    candidate: (_from, _to, payload) => ({ type: 'signal', payload }),
    received: ({ type, senderId, payload }) => type === 'signal' ? { sender: String(senderId), load: payload } : undefined
  },
  psync: {
    name: 'psync',
    takesNames: true,
    path: () => '/psync/ws',
    registration: (id, group = 'here') => [{ type: 'register', source_id: id, payload: { peer_id: id, group_id: group } }],
    welcome: ({ type }) => type === 'peer_list' ? {} : undefined,
    offer: (from, to, payload) => ({ type: 'offer', source_id: from, target_id: to, payload }),
    candidate: (from, to, payload) => ({ type: 'candidate', source_id: from, target_id: to, payload }),
    received: ({ type, source_id: source, payload }) =>
      type === 'offer' || type === 'candidate' ? { sender: String(source), load: payload } : undefined
  },
  drone: {
    name: 'drone',
    takesNames: true,
    path: () => '/drone',
    registration: (id) => [{ type: 'register', id }],
    welcome: ({ type }) => type === 'registered' ? {} : undefined,
    offer: (_from, target, sdp, { session } = {}) => ({ type: 'offer', target, sdp, ...inSession(session) }),
    candidate: (_from, target, candidate, { session } = {}) => ({ type: 'ice', target, candidate, ...inSession(session) }),
    received: ({ type, from, sdp, candidate }) =>
      type === 'offer' || type === 'ice' ? { sender: String(from), load: type === 'offer' ? sdp : candidate } : undefined
  },
  tom: {
    name: 'tom',
    takesNames: true,
    path: () => '/tom',
    registration: (id) => [{ type: 'register', nodeId: id, username: id }],
    // A list from before the registration does not name the node itself.
    welcome: ({ type, participants }, id) =>
      type === 'participants' && (participants as Frame[]).some(({ nodeId }) => nodeId === id) ? {} : undefined,
    offer: (from, to, payload) => ({ type: 'signal', from, to, payload }),
    candidate: (from, to, payload) => ({ type: 'signal', from, to, payload }),
    received: ({ type, from, payload }) => type === 'signal' ? { sender: String(from), load: payload } : undefined
  }
} satisfies Record<DefaultDialectName, ClientDialect>

function inSession (sessionId: string | undefined): Frame {
  return sessionId === undefined ? {} : { sessionId }
}
