import { type Static, type TLiteral, Type } from '@sinclair/typebox'
import { Frame, IdSchema, quote } from '../../src/kit.js'

const TopicsSchema = Type.Array(IdSchema)

/** y-webrtc names several topics, Trystero one. */
const named = <Name extends string>(type: Name) => Type.Union([
  Type.Object({ type: Type.Literal(type) as TLiteral<Name>, topics: TopicsSchema, topic: Type.Optional(IdSchema) }),
  Type.Object({ type: Type.Literal(type) as TLiteral<Name>, topics: Type.Optional(TopicsSchema), topic: IdSchema })
], { examples: [{ type, topics: ['a', 'b'] }, { type, topic: 'a' }] })

/** What a client may send. All that a `publish` holds is passed on. */
export const frames = {
  subscribe: named('subscribe'),
  unsubscribe: named('unsubscribe'),
  publish: Type.Object({
    type: Type.Literal('publish'),
    topic: IdSchema
  }, { examples: [{ type: 'publish', topic: 'a', data: '…' }, { type: 'publish', topic: 'a', payload: '…' }] }),
  ping: Type.Object({ type: Type.Literal('ping') }, { examples: [{ type: 'ping' }] })
}

/** What a client gets. */
export const sends = {
  publish: Type.Object({
    type: Type.Literal('publish'),
    topic: IdSchema,
    clients: Type.Integer({ minimum: 1 })
  }, { examples: [{ type: 'publish', topic: 'a', data: '…', clients: 2 }] }),
  payload: Type.Object({
    topic: IdSchema,
    payload: Type.Unknown()
  }, { additionalProperties: false, examples: [{ topic: 'a', payload: '…' }] }),
  pong: Type.Object({ type: Type.Literal('pong') }, { additionalProperties: false, examples: [{ type: 'pong' }] }),
  error: Type.Object({
    type: Type.Literal('error'),
    message: Type.String()
  }, { additionalProperties: false, examples: [{ type: 'error', message: 'Too many topics: 3 left out' }] })
}

export type Publish = Static<typeof frames.publish>

export const errorFrame = (message: string, details?: string): Frame =>
  new Frame('error', JSON.stringify({ type: 'error', message: details === undefined ? message : `${message}: ${details}` }))

export const pong = new Frame('pong', JSON.stringify({ type: 'pong' }))

/** This dialect's sentences. */
export const errorMessages = {
  notJson: 'Invalid JSON',
  unknownType: (type: unknown) => `Unknown message type: ${quote(type)}`,
  malformed: (type: string) => type === 'publish' ? 'Invalid or missing topic' : 'Invalid or missing topics',
  tooMany: 'Too many topics',
  slow: 'A subscriber reads too slowly',
  internal: 'Internal error'
}
