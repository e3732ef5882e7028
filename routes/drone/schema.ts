import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Frame, IdSchema, quote } from '../../src/kit.js'

/** Clients also number themselves. A larger integer has lost digits by the time it is parsed, so it could be somebody else's. */
const IntegerSchema = Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
const GivenIdSchema = Type.Union([IdSchema, IntegerSchema])

/** Absent, `null` and `""` all mean no session. */
const SessionSchema = Type.Optional(Type.Union([IdSchema, IntegerSchema, Type.Literal(''), Type.Null()]))

/** An absent or empty target is refused by the handler, with an error of its own. */
const TargetSchema = Type.Optional(Type.Union([IdSchema, IntegerSchema, Type.Literal('')]))

/** The names of its members are not checked: that would let a sender choose the work. */
const AnyObject = Type.Object({})

const SdpSchema = Type.Union([Type.String(), AnyObject])
const CandidateSchema = Type.Union([Type.String(), AnyObject, Type.Null()])

/** What a client may send. An absent candidate is the end of candidates, like `null`. */
export const frames = {
  register: Type.Object({ type: Type.Literal('register'), id: GivenIdSchema }),
  offer: Type.Object({ type: Type.Literal('offer'), target: TargetSchema, sdp: SdpSchema, sessionId: SessionSchema }),
  answer: Type.Object({ type: Type.Literal('answer'), target: TargetSchema, sdp: SdpSchema, sessionId: SessionSchema }),
  ice: Type.Object({
    type: Type.Literal('ice'),
    target: TargetSchema,
    candidate: Type.Optional(CandidateSchema),
    sessionId: SessionSchema
  }),
  list: Type.Object({ type: Type.Literal('list') }),
  ping: Type.Object({ type: Type.Literal('ping') })
}

/** The text of an id: for an integer, its decimal digits. */
export function textOf<Given> (given: Given): Exclude<Given, number> | string {
  return typeof given === 'number' ? String(given) : given as Exclude<Given, number>
}

/** ISO 8601, UTC, with milliseconds. */
const TimestampSchema = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' })

const timed = <Type extends string, Properties extends Record<string, TSchema>>(type: Type, properties: Properties) =>
  Type.Object({ type: Type.Literal(type), ...properties, timestamp: TimestampSchema }, { additionalProperties: false })

/** What a client gets. */
export const sends = {
  registered: timed('registered', { id: IdSchema }),
  offer: timed('offer', { from: IdSchema, sdp: SdpSchema, sessionId: IdSchema }),
  answer: timed('answer', { from: IdSchema, sdp: SdpSchema, sessionId: Type.Optional(IdSchema) }),
  ice: timed('ice', { from: IdSchema, candidate: CandidateSchema, sessionId: Type.Optional(IdSchema) }),
  clients: Type.Object({
    type: Type.Literal('clients'),
    clients: Type.Array(IdSchema),
    count: Type.Integer()
  }, { additionalProperties: false }),
  client_list_update: timed('client_list_update', { clients: Type.Array(IdSchema), count: Type.Integer() }),
  pong: timed('pong', {}),
  error: Type.Object({
    type: Type.Literal('error'),
    message: Type.String(),
    details: Type.Optional(Type.String())
  }, { additionalProperties: false })
}

export type Outgoing = Static<(typeof sends)[keyof typeof sends]>

export const encode = (frame: Outgoing): Frame => new Frame(frame.type, JSON.stringify(frame))

const malformed = 'Invalid message format'

/** This dialect's sentences. */
export const errorMessages = {
  notJson: malformed,
  unknownType: (type: unknown) => typeof type === 'string' ? `Unknown message type: ${quote(type)}` : malformed,
  malformed: () => malformed,
  taken: 'Id is taken',
  notRegistered: 'Not registered',
  noTarget: 'No target specified',
  absent: 'Target client not found',
  foreignSession: 'Unknown session',
  internal: 'Internal error'
}
