import { type Static, type TLiteral, type TProperties, Type } from '@sinclair/typebox'
import { Frame, IdSchema, quote } from '../../src/kit.js'

const typed = <Name extends string, Fields extends TProperties>(type: Name, fields: Fields, ...examples: object[]) => Type.Object(
  { type: Type.Literal(type) as TLiteral<Name>, ...fields }, { examples: examples.map((fields) => ({ type, ...fields })) }
)

const RolesSchema = Type.Array(Type.Union([Type.Literal('producer'), Type.Literal('listener'), Type.Literal('consumer')]), { maxItems: 3 })

const PeersSchema = Type.Array(Type.Object({ id: IdSchema, meta: Type.Unknown() }))

const OfferSchema = Type.Optional(Type.Union([Type.String(), Type.Null()]))

const peer = typed('peer', {
  sessionId: Type.String(),
  sdp: Type.Optional(Type.Object({ type: Type.Union([Type.Literal('offer'), Type.Literal('answer')]), sdp: Type.String() })),
  ice: Type.Optional(Type.Object({ candidate: Type.String(), sdpMLineIndex: Type.Integer({ minimum: 0 }) }))
}, { sessionId: 's', sdp: { type: 'offer', sdp: 'v=0…' } }, { sessionId: 's', ice: { candidate: '…', sdpMLineIndex: 0 } })

const ErrorTextSchema = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const meta = { name: 'camera' }
const reason = 'no codec'

/** What a client may send. */
export const frames = {
  setProtocolVersion: typed('setProtocolVersion', {
    version: Type.Union([Type.Literal('v1_0'), Type.Literal('v1_1')])
  }, { version: 'v1_1' }),
  setPeerStatus: typed('setPeerStatus', {
    roles: RolesSchema,
    meta: Type.Optional(Type.Unknown())
  }, { roles: ['producer', 'listener'], meta }),
  list: typed('list', {}, {}),
  listConsumers: typed('listConsumers', {}, {}),
  startSession: typed('startSession', { peerId: IdSchema, offer: OfferSchema }, { peerId: 'p' }, { peerId: 'p', offer: 'v=0…' }),
  peer,
  endSession: typed('endSession', { sessionId: Type.String(), error: ErrorTextSchema }, { sessionId: 's' }),
  endSessionV1_1: typed('endSessionV1_1', { sessionId: Type.String(), error: ErrorTextSchema }, { sessionId: 's', error: reason })
}

/** What a client gets. */
export const sends = {
  welcome: typed('welcome', { peerId: IdSchema }, { peerId: 'p' }),
  peerStatusChanged: typed('peerStatusChanged', {
    roles: RolesSchema,
    meta: Type.Unknown(),
    peerId: IdSchema
  }, { roles: ['producer', 'listener'], meta, peerId: 'p' }),
  list: typed('list', { producers: PeersSchema }, { producers: [{ id: 'p', meta }] }),
  listConsumers: typed('listConsumers', { consumers: PeersSchema }, { consumers: [{ id: 'c', meta: null }] }),
  sessionStarted: typed('sessionStarted', { peerId: IdSchema, sessionId: Type.String() }, { peerId: 'p', sessionId: 's' }),
  startSession: typed('startSession', {
    peerId: IdSchema,
    sessionId: Type.String(),
    offer: OfferSchema
  }, { peerId: 'c', sessionId: 's', offer: null }),
  peer,
  endSession: typed('endSession', { sessionId: Type.String() }, { sessionId: 's' }),
  endSessionV1_1: typed('endSessionV1_1', { sessionId: Type.String(), error: ErrorTextSchema }, { sessionId: 's', error: null }),
  failure: Type.Object({
    type: Type.Literal('error'),
    details: Type.String()
  }, { examples: [{ type: 'error', details: 'Peer with ID \'x\' not found' }] })
}

export type Role = Static<typeof RolesSchema>[number]
export type PeerFrame = Static<typeof peer>
export type EndFrame = Static<typeof frames.endSession | typeof frames.endSessionV1_1>
export type Outgoing = Static<(typeof sends)[keyof typeof sends]>

export const encode = (frame: Outgoing): Frame => new Frame(frame.type, JSON.stringify(frame))

/** A sentence with its blanks filled: with the details where there is one, else with their parts. */
export function filled (sentence: string, details = ''): string {
  const blanks = sentence.split('…')
  const parts = blanks.length === 2 ? [details] : details.split('|')
  return blanks.map((text, at) => text + (at < blanks.length - 1 ? parts[at] ?? '' : '')).join('')
}

/** This dialect's sentences. Those of the original are its own. */
export const errorMessages = {
  notJson: 'Invalid JSON',
  unknownType: (type: unknown) => `Unknown message type: ${quote(type)}`,
  malformed: () => 'Invalid message: a field is missing or mistyped',
  notFound: 'Peer with ID \'…\' not found',
  elsewhere: 'Peer with ID \'…\' is of another dialect: it takes an offer of pictures or sound, in startSession',
  bothSides: 'Cannot register peer … as both producer and passive consumer',
  notFirst: 'Protocol version selection for peer \'…\' must be first message',
  noError: 'Invalid end session message with error from peer \'…\', minimum protocol version is 1.1',
  notProducer: 'cannot forward offer from "…" to "…" as "…" is not the producer',
  noSide: 'Missing a producer or a consumer: id … roles […], id … roles […]',
  largeMeta: 'meta has more than 4096 characters of JSON',
  tooMany: 'Too many sessions',
  slow: 'The other peer reads too slowly',
  internal: 'Internal error'
}
