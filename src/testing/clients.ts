import type { DefaultDialectName, DialectName } from '../settings.js'
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

/** Those that are off by default, of the dialects that have sockets. */
export const optionalClients = {
  tracker: {
    name: 'tracker',
    takesNames: true,
    path: () => '/t',
    registration: (id, hash = 'here') => [{ action: 'announce', info_hash: hash, peer_id: id, event: 'started', left: 1, offers: [] }],
    welcome: ({ interval }) => interval === undefined ? undefined : {},
    // An offer goes to a random peer, and only an answer to one that it names.
    offer: (from, to, load, { place = 'here' } = {}) =>
      ({ action: 'announce', info_hash: place, peer_id: from, to_peer_id: to, answer: { load }, offer_id: 'o' }),
    candidate: (from, to, load, { place = 'here' } = {}) =>
      ({ action: 'announce', info_hash: place, peer_id: from, to_peer_id: to, answer: { load }, offer_id: 'o' }),
    received: ({ answer, peer_id: sender }) =>
      answer === undefined ? undefined : { sender: String(sender), load: (answer as Frame).load }
  },
  topics: {
    name: 'topics',
    takesNames: true,
    path: () => '/topics',
    // Subscribing has no answer, but it is complete before the ping is answered.
    registration: (_id, topic = 'here') => [{ type: 'subscribe', topics: [topic] }, { type: 'ping' }],
    welcome: ({ type }) => type === 'pong' ? {} : undefined,
    offer: (_from, to, data, { place = 'here' } = {}) => ({ type: 'publish', topic: place, to, data }),
    candidate: (_from, to, data, { place = 'here' } = {}) => ({ type: 'publish', topic: place, to, data }),
    received: ({ type, data }) => type === 'publish' ? { sender: undefined, load: data } : undefined
  },
  ayame: {
    name: 'ayame',
    takesNames: true,
    path: () => '/signaling',
    // Others have a room of their own.
    registration: (id, roomId = id) => [{ type: 'register', roomId, clientId: id }],
    welcome: ({ type, isExistClient, connectionId }, id) =>
      type === 'accept' ? { id: String(connectionId), ...(isExistClient !== true && { place: id }) } : undefined,
    offer: (_from, _to, sdp) => ({ type: 'offer', sdp }),
    candidate: (_from, _to, ice) => ({ type: 'candidate', ice }),
    received: ({ type, sdp, ice }) =>
      type === 'offer' || type === 'candidate' ? { sender: undefined, load: type === 'offer' ? sdp : ice } : undefined
  },
  gst: {
    name: 'gst',
    takesNames: false,
    path: () => '/gst',
    registration: (name) => [{ type: 'setPeerStatus', roles: ['producer'], meta: { name } }, { type: 'list' }],
    welcome ({ type, producers }, name) {
      const own = type === 'list' ? (producers as Frame[]).find(({ meta }) => (meta as Frame | null)?.name === name) : undefined
      return own && { id: String(own.id) }
    },
    offer: (_from, peerId, load, { session: sessionId } = {}) => sessionId === undefined
      ? { type: 'startSession', peerId, offer: JSON.stringify(load) }
      : { type: 'peer', sessionId, sdp: load },
    candidate: (_from, _to, ice, { session: sessionId } = {}) => ({ type: 'peer', sessionId, ice }),
    received: ({ type, peerId, offer }) =>
      type === 'startSession' ? { sender: String(peerId), load: JSON.parse(String(offer)) as unknown } : undefined
  }
} satisfies Record<Exclude<DialectName, DefaultDialectName | 'whip' | 'whep'>, ClientDialect>

function inSession (sessionId: string | undefined): Frame {
  return sessionId === undefined ? {} : { sessionId }
}
