import { type Static, type TLiteral, Type } from '@sinclair/typebox'
import { Frame, IdSchema, quote } from '../../src/kit.js'

const to = <Name extends string>(type: Name, load: object = { payload: {} }) => Type.Object({
  type: Type.Literal(type) as TLiteral<Name>,
  dst: IdSchema,
  payload: Type.Optional(Type.Unknown())
}, { examples: [{ type, dst: 'bob', ...load }] })

/** What a client may send. Its `src` is ignored. */
export const frames = {
  HEARTBEAT: Type.Object({ type: Type.Literal('HEARTBEAT') }, { examples: [{ type: 'HEARTBEAT' }] }),
  OFFER: to('OFFER'),
  ANSWER: to('ANSWER'),
  CANDIDATE: to('CANDIDATE'),
  EXPIRE: to('EXPIRE', {}),
  LEAVE: Type.Object({
    type: Type.Literal('LEAVE'),
    dst: Type.Optional(Type.Union([IdSchema, Type.Literal(''), Type.Null()])),
    payload: Type.Optional(Type.Unknown())
  }, { examples: [{ type: 'LEAVE', dst: 'bob' }] })
}

const MsgPayload = Type.Object({ msg: Type.String() }, { additionalProperties: false })

const saying = <Name extends string>(type: Name, msg: string) => Type.Object({
  type: Type.Literal(type) as TLiteral<Name>,
  payload: MsgPayload
}, { additionalProperties: false, examples: [{ type, payload: { msg } }] })

const from = <Name extends string>(type: Name, example: object = { src: 'alice', dst: 'bob', payload: {} }) => Type.Object({
  type: Type.Literal(type) as TLiteral<Name>,
  src: IdSchema,
  dst: IdSchema,
  payload: Type.Optional(Type.Unknown())
}, { additionalProperties: false, examples: [{ type, ...example }] })

/** What a client gets. */
export const sends = {
  OPEN: Type.Object({ type: Type.Literal('OPEN') }, { additionalProperties: false, examples: [{ type: 'OPEN' }] }),
  'ID-TAKEN': saying('ID-TAKEN', 'ID is taken'),
  ERROR: saying('ERROR', 'Invalid key provided'),
  OFFER: from('OFFER'),
  ANSWER: from('ANSWER'),
  CANDIDATE: from('CANDIDATE'),
  LEAVE: from('LEAVE', { src: 'bob', dst: 'alice' }),
  EXPIRE: from('EXPIRE', { src: 'bob', dst: 'alice' })
}

export type Outgoing = Static<(typeof sends)[keyof typeof sends]>

export const encode = (frame: Outgoing): Frame => new Frame(frame.type, JSON.stringify(frame))

const notJson = 'Invalid message'

/** A client gives up on an error, and one in the field says `{"ping":"once"}` when it connects. */
function unknownType (type: unknown): string | undefined {
  if (type === undefined) return undefined
  return typeof type === 'string' ? `Unknown message type: ${quote(type)}` : notJson
}

/** This dialect's sentences, the original's where it has one. */
export const errorMessages = {
  incomplete: 'No id, token, or key supplied to websocket server',
  wrongKey: 'Invalid key provided',
  unauthorized: 'Invalid token provided',
  wrongId: 'Invalid id provided',
  full: 'Server has reached its concurrent user limit',
  taken: 'ID is taken',
  notJson,
  unknownType,
  malformed: () => 'Missing dst',
  notRegistered: 'Not registered',
  internal: 'Internal error'
}
