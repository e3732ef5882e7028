import { type TSchema, Type } from '@sinclair/typebox'
import { sends as ayameFrames } from '../../routes/ayame/schema.js'
import { sends as droneFrames } from '../../routes/drone/schema.js'
import { sends as gstFrames } from '../../routes/gst/schema.js'
import { sends as peerjsFrames } from '../../routes/peerjs/schema.js'
import { sends as psyncFrames } from '../../routes/psync/schema.js'
import { sends as roomsFrames } from '../../routes/rooms/schema.js'
import { sends as tomFrames } from '../../routes/tom/schema.js'
import { sends as trackerFrames } from '../../routes/tracker/schema.js'
import { sends as topicsFrames } from '../../routes/topics/schema.js'
import type { Frame } from '../../src/testing/dialect.js'
import { type CompleteSubject, nonsense, type Subject as Declared } from '../../src/testing/subject.js'
import { clients, optionalClients } from '../../src/testing/clients.js'

/** A dialect as the suites of this project see it that treat all dialects alike. */
export interface Subject extends Omit<CompleteSubject, 'endsTogether'>, Pick<Declared, 'endsTogether'> {
  /** The schema of every frame that its clients may get. */
  readonly outgoing: TSchema
  /** Valid frames of all types, for mutation. */
  samples (id: string, other: string): Frame[]
}

const psyncError = (message: string, more: Frame = {}): Frame => ({ type: 'error', payload: { message, ...more } })
const peerjsError = (msg: string): Frame => ({ type: 'ERROR', payload: { msg } })
const messageError = (message: string): Frame => ({ type: 'error', message })
const tomError = (error: string): Frame => ({ type: 'error', error })

const peerjs: Subject = {
  ...clients.peerjs,
  env: { DIALECTS: 'peerjs', PEERJS_EXPIRE_TIMEOUT: '500' },
  outgoing: Type.Union(Object.values(peerjsFrames)),
  signal: clients.peerjs.offer,
  question: () => ({ type: nonsense }),
  isAnswer: ({ type, payload }) => type === 'ERROR' && (payload as Frame).msg === `Unknown message type: ${nonsense}`,
  isError: ({ type }) => type === 'ERROR',
  errors: {
    notJson: peerjsError('Invalid message'),
    untyped: (type) => type === undefined ? undefined : peerjsError('Invalid message'),
    unknown: (type) => peerjsError(`Unknown message type: ${type}`)
  },
  misfits: (_id, long, dirty) => [
    { type: 'OFFER' }, { type: 'ANSWER', payload: 1 }, { type: 'CANDIDATE', dst: 7 }, { type: 'OFFER', dst: null },
    { type: 'OFFER', dst: '' }, { type: 'EXPIRE', dst: ['a'] }, { type: 'LEAVE', dst: {} }, { type: 'OFFER', dst: long },
    { type: 'OFFER', dst: dirty }
  ].map((frame) => [frame, peerjsError('Missing dst')]),
  ignored: [{ type: 'HEARTBEAT' }, { type: 'LEAVE', dst: 'nobody' }, { type: 'EXPIRE', dst: 'nobody' }],
  samples: (id, other) => [
    { type: 'HEARTBEAT' }, { type: 'OFFER', dst: other, payload: { sdp: 'v=0' } }, { type: 'ANSWER', dst: id, payload: null },
    { type: 'CANDIDATE', dst: 'nobody', payload: 'c' }, { type: 'EXPIRE', dst: other }, { type: 'LEAVE', dst: other }, { type: 'LEAVE' }
  ],
  addressing: {
    forged: (_from, victim, dst) => ({ type: 'OFFER', src: victim, dst, payload: 1 }),
    vanished: (from, to) => ({ type: 'EXPIRE', src: to, dst: from }),
    isLeave: ({ type }) => type === 'LEAVE'
  }
}

const rooms: Subject = {
  ...clients.rooms,
  env: { DIALECTS: 'rooms' },
  outgoing: Type.Union(Object.values(roomsFrames)),
  signal: clients.rooms.offer,
  question: () => ({ type: nonsense }),
  isAnswer: ({ message }) => message === `Unknown message type: ${nonsense}`,
  isError: ({ type }) => type === 'error',
  errors: {
    notJson: messageError('Invalid JSON'),
    untyped: (type) => messageError(`Unknown message type: ${String(type)}`),
    unknown: (type) => messageError(`Unknown message type: ${type}`)
  },
  misfits: (_id, long, dirty) => [
    [{ type: 'signal' }, messageError('Missing payload')],
    ...[{}, { roomId: null }, { roomId: ['1234'] }, { roomId: 1.5 }, { roomId: '__proto__' }, { roomId: long }, { roomId: dirty }]
      .map((more): [Frame, Frame] => [{ type: 'join', ...more }, messageError('Room not found')])
  ],
  ignored: [],
  samples: () => [
    { type: 'create' }, { type: 'join', roomId: '1234' }, { type: 'join', roomId: 1234 }, { type: 'signal', payload: { sdp: 'v=0' } }
  ]
}

const psync: Subject = {
  ...clients.psync,
  env: { DIALECTS: 'psync', PSYNC_PEER_LEFT: 'true' },
  outgoing: Type.Union(Object.values(psyncFrames)),
  signal: clients.psync.offer,
  question: (id) => ({ type: 'answer', source_id: id, target_id: id, payload: nonsense }),
  isAnswer: ({ type, payload }) => type === 'answer' && payload === nonsense,
  isError: ({ type }) => type === 'error',
  errors: {
    notJson: psyncError('invalid JSON'),
    untyped: () => psyncError('unknown message type'),
    unknown: () => psyncError('unknown message type')
  },
  misfits: (id, long, dirty) => [
    ...[
      {}, { payload: null }, { payload: [] }, { payload: { peer_id: id } }, { payload: { peer_id: 7, group_id: 'g' } },
      { payload: { peer_id: '', group_id: 'g' } }, { payload: { peer_id: long, group_id: 'g' } },
      { payload: { peer_id: id, group_id: long } }, { payload: { peer_id: dirty, group_id: 'g' } }
    ].map((more): [Frame, Frame] => [{ type: 'register', ...more }, psyncError('missing peer_id or group_id')]),
    ...[
      { type: 'offer' }, { type: 'answer', target_id: 7 }, { type: 'candidate', target_id: '' }, { type: 'offer', target_id: long },
      { type: 'offer', target_id: dirty }
    ].map((frame): [Frame, Frame] => [{ source_id: id, payload: {}, ...frame }, psyncError('missing target_id')])
  ],
  ignored: [{ type: 'heartbeat' }, { type: 'heartbeat', source_id: 'x', payload: {} }],
  samples: (id, other) => [
    { type: 'register', source_id: id, payload: { peer_id: id, group_id: 'g' } },
    { type: 'register', payload: { peer_id: 'x', group_id: 'h' } },
    { type: 'offer', source_id: id, target_id: other, payload: { sdp: 'v=0' } },
    { type: 'answer', source_id: id, target_id: id, payload: null },
    { type: 'candidate', source_id: 'x', target_id: 'nobody', payload: 'c' }, { type: 'heartbeat' }
  ],
  addressing: {
    forged: (_from, victim, to) => ({ type: 'offer', source_id: victim, target_id: to, payload: 1 }),
    refusal: psyncError('source_id does not match the registered peer_id'),
    vanished: (_from, to) => psyncError('peer not found', { target_id: to }),
    isLeave: ({ type }) => type === 'peer_left'
  }
}

const drone: Subject = {
  ...clients.drone,
  env: { DIALECTS: 'drone' },
  outgoing: Type.Union(Object.values(droneFrames)),
  // Neither a description nor a candidate may be just any JSON value, but an object may hold one.
  signal: (from, to, load) => clients.drone.candidate(from, to, { load }),
  received (frame) {
    const { sender, load: candidate } = frame.type === 'ice' ? clients.drone.received(frame) ?? {} : {}
    return sender === undefined ? undefined : { sender, load: (candidate as Frame | null)?.load }
  },
  question: () => ({ type: 'ping' }),
  isAnswer: ({ type }) => type === 'pong',
  isError: ({ type }) => type === 'error',
  errors: {
    notJson: messageError('Invalid message format'),
    untyped: () => messageError('Invalid message format'),
    unknown: (type) => messageError(`Unknown message type: ${type}`)
  },
  misfits: (_id, long, dirty) => [
    ...[
      { type: 'register' }, { type: 'register', id: 7.5 }, { type: 'register', id: '' },
      { type: 'register', id: long }, { type: 'register', id: dirty }, { type: 'register', id: 2 ** 53 },
      { type: 'offer', target: 'a' }, { type: 'answer', target: 'a', sdp: 7 },
      { type: 'ice', target: 'a', candidate: 7 }, { type: 'ice', target: 7.5, candidate: null },
      { type: 'ice', target: long, candidate: null }, { type: 'ice', target: dirty, candidate: null },
      { type: 'offer', target: 'a', sdp: 's', sessionId: long }, { type: 'offer', target: 'a', sdp: 's', sessionId: 7.5 }
    ].map((frame): [Frame, Frame] => [frame, messageError('Invalid message format')]),
    ...[{}, { target: '' }].map((more): [Frame, Frame] => [{ type: 'offer', sdp: 's', ...more }, messageError('No target specified')])
  ],
  ignored: [],
  samples: (id, other) => [
    { type: 'register', id }, { type: 'offer', target: other, sdp: 'v=0' },
    { type: 'offer', target: other, sdp: { type: 'offer' }, sessionId: 's' }, { type: 'answer', target: id, sdp: 'v=0', sessionId: 's' },
    { type: 'ice', target: other, candidate: null }, { type: 'ice', target: 'nobody', candidate: {} },
    { type: 'list' }, { type: 'ping' }
  ],
  addressing: {
    forged: (_from, victim, target) => ({ type: 'ice', from: victim, target, candidate: { load: 1 } }),
    vanished: (_from, to) => ({ type: 'error', message: 'Target client not found', details: to }),
    isLeave: ({ type }) => type === 'client_list_update'
  }
}

const tom: Subject = {
  ...clients.tom,
  env: { DIALECTS: 'tom' },
  outgoing: Type.Union(Object.values(tomFrames)),
  signal: clients.tom.offer,
  // The question is a signal to itself.
  received: (frame) => frame.nonsense === undefined ? clients.tom.received(frame) : undefined,
  question: (id) => ({ type: 'signal', from: id, to: id, nonsense }),
  isAnswer: (frame) => frame.nonsense === nonsense,
  isError: ({ type }) => type === 'error',
  errors: {
    notJson: tomError('invalid JSON'),
    untyped: () => tomError('unknown message type'),
    unknown: () => tomError('unknown message type')
  },
  misfits: (id, long, dirty) => [
    ...[{}, { nodeId: id }, { username: 'U' }, { nodeId: 7, username: 'U' }, { nodeId: null, username: 'U' }, { nodeId: '', username: 'U' },
      { nodeId: long, username: 'U' }, { nodeId: dirty, username: 'U' }, { nodeId: id, username: 7 }]
      .map((more): [Frame, Frame] => [{ type: 'register', ...more }, tomError('missing nodeId or username')]),
    ...[{}, { nodeId: id }, { roles: [] }, { nodeId: id, roles: 'host' }, { nodeId: id, roles: [7] }, { nodeId: long, roles: [] }]
      .map((more): [Frame, Frame] => [{ type: 'role-assign', ...more }, tomError('missing nodeId or roles')]),
    ...[{}, { from: id }, { to: id }, { from: id, to: 7 }, { from: id, to: '' }, { from: id, to: long }, { from: id, to: dirty }]
      .map((more): [Frame, Frame] => [{ type: 'signal', payload: 1, ...more }, tomError('missing to or from')])
  ],
  ignored: [{ type: 'heartbeat' }],
  samples: (id, other) => [
    { type: 'register', nodeId: id, username: 'U', publicKey: 'p', encryptionKey: 'e' }, { type: 'register', nodeId: 'x', username: 'X' },
    { type: 'heartbeat' }, { type: 'role-assign', nodeId: other, roles: ['host'] }, { type: 'signal', from: id, to: other, payload: {} },
    { type: 'signal', from: 'x', to: 'nobody' }
  ],
  addressing: {
    forged: (_from, victim, to) => ({ type: 'signal', from: victim, to, payload: 1 }),
    refusal: tomError('from does not match the registered nodeId'),
    vanished: () => tomError('peer not found'),
    isLeave: ({ type, action }) => type === 'presence' && action === 'leave'
  }
}

const failure = (reason: string, hash = ''): Frame => ({ action: 'announce', 'failure reason': reason, info_hash: hash })

const twoOffers = [{ offer: { type: 'offer', sdp: 'v=0' }, offer_id: 'o' }, { offer: null, offer_id: '\0' }]

/** Peers address each other by their answers, whose load may be anything that is not nothing. */
const tracker: Subject = {
  ...optionalClients.tracker,
  env: { DIALECTS: 'tracker' },
  outgoing: Type.Union(Object.values(trackerFrames)),
  signal: (from, to, load, place) => optionalClients.tracker.offer(from, to, load, { place }),
  question: () => ({ action: nonsense }),
  isAnswer: (frame) => frame['failure reason'] === `unknown action: ${nonsense}`,
  isError: (frame) => frame['failure reason'] !== undefined,
  errors: {
    notJson: failure('not a JSON object with an action'),
    untyped: () => failure('not a JSON object with an action'),
    unknown: () => failure('not a JSON object with an action')
  },
  misfits: (id, long) => [
    ...['', 'Announce', 'constructor', '__proto__', 'answer '].map((action): [Frame, Frame] =>
      [{ action, info_hash: 'here', peer_id: id }, failure(`unknown action: ${action}`)]),
    ...[7, null, {}, ['announce']].map((action): [Frame, Frame] => [{ action }, failure('not a JSON object with an action')]),
    ...[
      {}, { info_hash: 'here' }, { peer_id: id }, { info_hash: 7, peer_id: id }, { info_hash: '', peer_id: id },
      { info_hash: long, peer_id: id }, { info_hash: 'here', peer_id: long }, { info_hash: 'here', peer_id: id, offers: {} },
      { info_hash: 'here', peer_id: id, offers: [7] }, { info_hash: 'here', peer_id: id, offers: [{ offer: 1 }] },
      { info_hash: 'here', peer_id: id, offers: [{ offer_id: 'o' }] }
    ].map((more): [Frame, Frame] => [{ action: 'announce', ...more }, failure('invalid info_hash, peer_id or offers')]),
    ...[{}, { to_peer_id: 'a' }, { offer_id: 'o' }, { to_peer_id: 7, offer_id: 'o' }, { to_peer_id: long, offer_id: 'o' }]
      .map((more): [Frame, Frame] => [
        { action: 'announce', info_hash: 'here', peer_id: id, answer: {}, ...more },
        failure('invalid info_hash, peer_id, to_peer_id or offer_id')
      ]),
    ...[{}, { info_hash: [] }, { info_hash: null }, { info_hash: [7] }, { info_hash: Array.from({ length: 75 }, () => 'x') }]
      .map((more): [Frame, Frame] => [{ action: 'scrape', ...more }, failure('a scrape names 1 to 74 hashes')]),
    ...['begun', 7, {}, []].map((event): [Frame, Frame] =>
      [{ action: 'announce', info_hash: 'here', peer_id: id, event }, failure('invalid event', 'here')])
  ],
  ignored: [],
  samples: (id, other) => [
    { action: 'announce', info_hash: 'here', peer_id: id, event: 'started', left: null, numwant: 5, offers: twoOffers },
    { action: 'announce', info_hash: 'here', peer_id: id, event: 'completed', left: 0 },
    { action: 'announce', info_hash: 'there', peer_id: 'x', event: 'stopped', offers: null },
    { action: 'announce', info_hash: 'here', peer_id: id, to_peer_id: other, answer: { type: 'answer', sdp: 'v=0' }, offer_id: 'o' },
    { action: 'announce', info_hash: 'here', peer_id: 'x', to_peer_id: 'nobody', answer: 1, offer_id: 'o' },
    { action: 'scrape', info_hash: 'here' }, { action: 'scrape', info_hash: ['here', '__proto__'] }
  ],
  addressing: {
    forged: (_from, victim, to) =>
      ({ action: 'announce', info_hash: 'here', peer_id: victim, to_peer_id: to, answer: 1, offer_id: 'o' }),
    refusal: failure('peer_id has not announced', 'here'),
    vanished: () => failure('peer not found', 'here'),
    takesOver: false
  }
}

/** The example plugin: a subscriber of a topic is a peer, and a publish reaches its publisher too. */
const topicErrors = {
  notJson: messageError('Invalid JSON'),
  untyped: (type: unknown) => messageError(`Unknown message type: ${String(type)}`),
  unknown: (type: string) => messageError(`Unknown message type: ${type}`)
}

const publishMisfits = (long: string): Array<[Frame, Frame]> => [{}, { topic: 7 }, { topic: '' }, { topic: long }]
  .map((more) => [{ type: 'publish', ...more }, messageError('Invalid or missing topic')])

/** A subscriber of a topic is a peer, and a publish reaches its publisher too. This one is as y-webrtc. */
const topics: Subject = {
  ...optionalClients.topics,
  env: { DIALECTS: 'topics' },
  outgoing: Type.Union(Object.values(topicsFrames)),
  signal: (from, to, load, place) => optionalClients.topics.offer(from, to, load, { place }),
  question: () => ({ type: 'ping' }),
  isAnswer: ({ type }) => type === 'pong',
  isError: ({ type }) => type === 'error',
  errors: topicErrors,
  misfits: (_id, long, dirty) => [
    ...['subscribe', 'unsubscribe'].flatMap((type) => [
      {}, { topics: 'a' }, { topics: [7] }, { topics: [long] }, { topics: [dirty] }, { topics: null }, { topic: 7 }, { topic: '' },
      { topic: long }, { topic: dirty }, { topic: ['a'] }, { topic: 'a', topics: [7] }, { topics: ['a'], topic: 7 }
    ].map((more): [Frame, Frame] => [{ type, ...more }, messageError('Invalid or missing topics')])),
    ...publishMisfits(long)
  ],
  ignored: [
    { type: 'publish', topic: 'nobody listens' }, { type: 'unsubscribe', topic: 'never subscribed' }, { type: 'subscribe', topics: [] }
  ],
  samples: () => [
    { type: 'subscribe', topics: ['a', 'b'] }, { type: 'subscribe', topic: 'c' }, { type: 'unsubscribe', topics: ['a'] },
    { type: 'unsubscribe', topic: 'c' }, { type: 'publish', topic: 'here', data: { a: 1 } },
    { type: 'publish', topic: 'here', payload: '{}' }, { type: 'publish', topic: 'c', payload: null, clients: 7 }, { type: 'ping' }
  ]
}

/** The same as Trystero's ws-relay. */
const relayTopics: Subject = {
  ...topics,
  registration: (_id, place = 'here') => [{ type: 'subscribe', topic: place }, { type: 'ping' }],
  signal: (_from, _to, payload, place = 'here') => ({ type: 'publish', topic: place, payload }),
  received: ({ type, topic, payload }) => type === undefined && topic !== undefined ? { sender: undefined, load: payload } : undefined
}

const reasonError = (reason: string): Frame => ({ type: 'error', reason })

/** Two clients in a room whose name they know: by default that of the first, so that others have a room of their own. */
const ayame: Subject = {
  ...optionalClients.ayame,
  endsTogether: true,
  env: { DIALECTS: 'ayame' },
  outgoing: Type.Union(Object.values(ayameFrames)),
  signal: optionalClients.ayame.candidate,
  question: () => ({ type: nonsense }),
  isAnswer: ({ reason }) => reason === `InvalidMessageType: ${nonsense}`,
  isError: ({ type }) => type === 'error',
  errors: {
    notJson: reasonError('InvalidJSON'),
    untyped: (type) => reasonError(`InvalidMessageType: ${String(type)}`),
    unknown: (type) => reasonError(`InvalidMessageType: ${type}`)
  },
  misfits: (_id, long, dirty) => [{}, { roomId: '' }, { roomId: 7 }, { roomId: null }, { roomId: long }, { roomId: dirty }]
    .map((more) => [{ type: 'register', clientId: 'c', ...more }, reasonError('MissingRoomID')]),
  ignored: [{ type: 'pong' }],
  samples: (id) => [
    { type: 'register', roomId: id, clientId: 'c' }, { type: 'register', roomId: 'x', standalone: true, key: 'k', authnMetadata: {} },
    { type: 'offer', sdp: 'v=0' }, { type: 'answer', sdp: 'v=0' }, { type: 'candidate', ice: { candidate: '' } }, { type: 'pong' },
    { type: 'connected' }
  ]
}

const detailsError = (details: string): Frame => ({ type: 'error', details })

/** All are producers, and each signal is an offer that begins a session. */
const gst: Subject = {
  ...optionalClients.gst,
  env: { DIALECTS: 'gst' },
  outgoing: Type.Union(Object.values(gstFrames)),
  // So that the suite sees what listeners get, too.
  registration: (name) => [{ type: 'setPeerStatus', roles: ['producer', 'listener'], meta: { name } }],
  welcome: ({ type, peerId, meta }, name) =>
    type === 'peerStatusChanged' && (meta as Frame).name === name ? { id: String(peerId) } : undefined,
  signal: (from, to, load) => optionalClients.gst.offer(from, to, load),
  question: () => ({ type: nonsense }),
  isAnswer: ({ details }) => details === `Unknown message type: ${nonsense}`,
  isError: ({ type }) => type === 'error',
  errors: {
    notJson: detailsError('Invalid JSON'),
    untyped: (type) => detailsError(`Unknown message type: ${String(type)}`),
    unknown: (type) => detailsError(`Unknown message type: ${type}`)
  },
  misfits: (_id, long, dirty) => [
    ...[{}, { roles: 'producer' }, { roles: ['Producer'] }, { roles: [7] }, { roles: null }].map((more): [Frame, Frame] =>
      [{ type: 'setPeerStatus', ...more }, detailsError('Invalid message: a field is missing or mistyped')]),
    ...[{}, { peerId: '' }, { peerId: 7 }, { peerId: long }, { peerId: dirty }, { peerId: 'x', offer: {} }].map((more): [Frame, Frame] =>
      [{ type: 'startSession', ...more }, detailsError('Invalid message: a field is missing or mistyped')]),
    ...[{}, { sessionId: 7 }, { sessionId: 's' }, { sessionId: 's', sdp: 'v=0' }, { sessionId: 's', ice: { candidate: '' } }]
      .map((more): [Frame, Frame] => [{ type: 'peer', ...more }, detailsError('Invalid message: a field is missing or mistyped')]),
    [{ type: 'setPeerStatus', roles: [], meta: long.repeat(20) }, detailsError('meta has more than 4096 characters of JSON')],
    [{ type: 'startSession', peerId: 'x' }, detailsError('Peer with ID \'x\' not found')]
  ],
  ignored: [{ type: 'endSession', sessionId: 's' }, { type: 'peer', sessionId: 's', ice: { candidate: '', sdpMLineIndex: 0 } }],
  samples: (id, other) => [
    { type: 'setProtocolVersion', version: 'v1_1' }, { type: 'setPeerStatus', roles: ['producer', 'listener'], meta: { name: id } },
    { type: 'setPeerStatus', roles: ['consumer'], meta: null }, { type: 'setPeerStatus', roles: [] }, { type: 'list' },
    { type: 'listConsumers' }, { type: 'startSession', peerId: other, offer: '1' }, { type: 'startSession', peerId: id },
    { type: 'peer', sessionId: 's', sdp: { type: 'offer', sdp: 'v=0' } }, { type: 'endSession', sessionId: 's' },
    { type: 'peer', sessionId: 's', ice: { candidate: '', sdpMLineIndex: 0 } }, { type: 'endSessionV1_1', sessionId: 's', error: 'x' }
  ]
}

/** The example plugin, as topics. */
const yWebrtc: Subject = {
  name: 'y-webrtc',
  takesNames: true,
  env: { DIALECTS: 'tom', PLUGINS: './examples/y-webrtc/index.js' },
  outgoing: Type.Union([
    Type.Object({ type: Type.Literal('publish'), topic: Type.String(), clients: Type.Integer() }),
    Type.Object({ type: Type.Literal('pong') }, { additionalProperties: false }),
    Type.Object({ type: Type.Literal('error'), message: Type.String() }, { additionalProperties: false })
  ]),
  path: () => '/y-webrtc',
  // Subscribing has no answer, but it is complete before the ping is answered.
  registration: (_id, place = 'here') => [{ type: 'subscribe', topics: [place] }, { type: 'ping' }],
  welcome: ({ type }) => type === 'pong' ? {} : undefined,
  signal: (_from, to, load, place = 'here') => ({ type: 'publish', topic: place, to, load }),
  received: ({ type, load }) => type === 'publish' ? { sender: undefined, load } : undefined,
  question: () => ({ type: 'ping' }),
  isAnswer: ({ type }) => type === 'pong',
  isError: ({ type }) => type === 'error',
  errors: topicErrors,
  misfits: (_id, long, dirty) => [
    ...[{}, { topics: 'a' }, { topics: [7] }, { topics: [long] }, { topics: [dirty] }, { topics: null }]
      .map((more): [Frame, Frame] => [{ type: 'subscribe', ...more }, messageError('Invalid or missing topics')]),
    ...publishMisfits(long)
  ],
  ignored: [{ type: 'publish', topic: 'nobody listens' }, { type: 'unsubscribe', topics: ['never subscribed'] }],
  samples: () => [
    { type: 'subscribe', topics: ['a', 'b'] }, { type: 'unsubscribe', topics: ['a'] }, { type: 'publish', topic: 'here', data: { a: 1 } },
    { type: 'ping' }
  ]
}

/** The built-in dialects that are on by default. */
export const builtIn: readonly Subject[] = [peerjs, rooms, psync, drone, tom]

/** Those that are off by default: `env` names each. */
export const optional: readonly Subject[] = [tracker, topics, ayame, gst]

/** Other clients of dialects that have several kinds of them. */
export const further: readonly Subject[] = [relayTopics]

/** All built-in dialects, and one that comes as a plugin. */
export const subjects: readonly Subject[] = [...builtIn, ...optional, yWebrtc]
