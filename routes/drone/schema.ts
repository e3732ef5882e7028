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

/** Of the examples. */
const [sdp, candidate, sessionId, timestamp] = ['v=0…', { candidate: '…' }, 's', '2026-01-02T03:04:05.678Z']

/** What a client may send. An absent candidate is the end of candidates, like `null`. */
export const frames = {
  register: Type.Object({
    type: Type.Literal('register'),
    id: GivenIdSchema
  }, { examples: [{ type: 'register', id: 'drone-1' }] }),
  offer: Type.Object({
    type: Type.Literal('offer'),
    target: TargetSchema,
    sdp: SdpSchema,
    sessionId: SessionSchema
  }, { examples: [{ type: 'offer', target: 'camera-2', sdp, sessionId }] }),
  answer: Type.Object({
    type: Type.Literal('answer'),
    target: TargetSchema,
    sdp: SdpSchema,
    sessionId: SessionSchema
  }, { examples: [{ type: 'answer', target: 'drone-1', sdp, sessionId }] }),
  ice: Type.Object({
    type: Type.Literal('ice'),
    target: TargetSchema,
    candidate: Type.Optional(CandidateSchema),
    sessionId: SessionSchema
  }, { examples: [{ type: 'ice', target: 'drone-1', candidate, sessionId }] }),
  list: Type.Object({ type: Type.Literal('list') }, { examples: [{ type: 'list' }] }),
  ping: Type.Object({ type: Type.Literal('ping') }, { examples: [{ type: 'ping' }] })
}

/** The text of an id: for an integer, its decimal digits. */
export function textOf<Given> (given: Given): Exclude<Given, number> | string {
  return typeof given === 'number' ? String(given) : given as Exclude<Given, number>
}

/** ISO 8601, UTC, with milliseconds. */
const TimestampSchema = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' })

const timed = <Type extends string, Properties extends Record<string, TSchema>>(type: Type, properties: Properties, example: object) =>
  Type.Object({ type: Type.Literal(type), ...properties, timestamp: TimestampSchema }, {
    additionalProperties: false,
    examples: [{ type, ...example, timestamp }]
  })

const others = { clients: ['camera-2'], count: 1 }

/** What a client gets. */
export const sends = {
  registered: timed('registered', { id: IdSchema }, { id: 'drone-1' }),
  offer: timed('offer', { from: IdSchema, sdp: SdpSchema, sessionId: IdSchema }, { from: 'drone-1', sdp, sessionId }),
  answer: timed('answer', {
    from: IdSchema,
    sdp: SdpSchema,
    sessionId: Type.Optional(IdSchema)
  }, { from: 'camera-2', sdp, sessionId }),
  ice: timed('ice', {
    from: IdSchema,
    candidate: CandidateSchema,
    sessionId: Type.Optional(IdSchema)
  }, { from: 'camera-2', candidate, sessionId }),
  clients: Type.Object({
    type: Type.Literal('clients'),
    clients: Type.Array(IdSchema),
    count: Type.Integer()
  }, { additionalProperties: false, examples: [{ type: 'clients', ...others }] }),
  client_list_update: timed('client_list_update', { clients: Type.Array(IdSchema), count: Type.Integer() }, others),
  pong: timed('pong', {}, {}),
  error: Type.Object({
    type: Type.Literal('error'),
    message: Type.String(),
    details: Type.Optional(Type.String())
  }, { additionalProperties: false, examples: [{ type: 'error', message: 'Target client not found', details: 'camera-2' }] })
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
  impossible: 'Cannot be passed to another dialect',
  foreignSession: 'Unknown session',
  internal: 'Internal error'
}
