import { type Static, type TLiteral, Type } from '@sinclair/typebox'
import { Frame, IdSchema } from '../../src/kit.js'

const exampleOf = (type: string) => ({
  type,
  source_id: 'a',
  target_id: 'b',
  payload: type === 'candidate' ? { candidate: '…' } : { sdp: 'v=0…' }
})

const relayed = <Name extends string>(type: Name) => Type.Object({
  type: Type.Literal(type) as TLiteral<Name>,
  source_id: Type.Optional(Type.Unknown()),
  target_id: IdSchema,
  payload: Type.Optional(Type.Unknown())
}, { examples: [exampleOf(type)] })

/** What a peer may send. `source_id` may be anything here: it is compared with the registered id. */
export const frames = {
  register: Type.Object({
    type: Type.Literal('register'),
    source_id: Type.Optional(Type.Unknown()),
    payload: Type.Object({ peer_id: IdSchema, group_id: IdSchema })
  }, { examples: [{ type: 'register', source_id: 'a', payload: { peer_id: 'a', group_id: 'g' } }] }),
  offer: relayed('offer'),
  answer: relayed('answer'),
  candidate: relayed('candidate'),
  heartbeat: Type.Object({ type: Type.Literal('heartbeat') }, { examples: [{ type: 'heartbeat' }] })
}

const PeerSchema = Type.Object({ id: IdSchema, group_id: IdSchema, last_seen: Type.String() }, { additionalProperties: false })
const ListPayload = Type.Object({ peers: Type.Array(PeerSchema) }, { additionalProperties: false })
const ErrorPayload = Type.Object({ message: Type.String(), target_id: Type.Optional(IdSchema) }, { additionalProperties: false })
const PeerPayload = Type.Object({ peer: PeerSchema }, { additionalProperties: false })

const seen = { group_id: 'g', last_seen: '2026-01-02T03:04:05.678Z' }

const ofPeer = <Name extends string>(type: Name) => Type.Object({
  type: Type.Literal(type) as TLiteral<Name>,
  payload: PeerPayload
}, { additionalProperties: false, examples: [{ type, payload: { peer: { id: 'c', ...seen } } }] })

const from = <Name extends string>(type: Name) => Type.Object({
  type: Type.Literal(type) as TLiteral<Name>,
  source_id: Type.String(),
  target_id: IdSchema,
  payload: Type.Unknown()
}, { additionalProperties: false, examples: [exampleOf(type)] })

/** What a peer gets. */
export const sends = {
  peer_list: Type.Object({
    type: Type.Literal('peer_list'),
    payload: ListPayload
  }, { additionalProperties: false, examples: [{ type: 'peer_list', payload: { peers: [{ id: 'b', ...seen }] } }] }),
  peer_joined: ofPeer('peer_joined'),
  peer_left: ofPeer('peer_left'),
  offer: from('offer'),
  answer: from('answer'),
  candidate: from('candidate'),
  error: Type.Object({
    type: Type.Literal('error'),
    payload: ErrorPayload
  }, { additionalProperties: false, examples: [{ type: 'error', payload: { message: 'peer not found', target_id: 'b' } }] })
}

export type Outgoing = Static<(typeof sends)[keyof typeof sends]>

export const encode = (frame: Outgoing): Frame => new Frame(frame.type, JSON.stringify(frame))

/** This dialect's sentences. */
export const errorMessages = {
  notJson: 'invalid JSON',
  unknownType: () => 'unknown message type',
  malformed: (type: string) => type === 'register' ? 'missing peer_id or group_id' : 'missing target_id',
  taken: 'peer_id is taken',
  notRegistered: 'not registered',
  forged: 'source_id does not match the registered peer_id',
  absent: 'peer not found',
  impossible: 'cannot be passed to another dialect',
  internal: 'internal error'
}
