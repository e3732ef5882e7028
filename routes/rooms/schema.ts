import { type Static, type TLiteral, Type } from '@sinclair/typebox'
import { Frame, IdSchema, quote } from '../../src/kit.js'

/** What a client may send. A room id of any other type names no room. */
export const frames = {
  create: Type.Object({ type: Type.Literal('create') }, { examples: [{ type: 'create' }] }),
  join: Type.Object({
    type: Type.Literal('join'),
    roomId: Type.Optional(Type.Unknown())
  }, { examples: [{ type: 'join', roomId: '1234' }] }),
  signal: Type.Object({
    type: Type.Literal('signal'),
    payload: Type.Unknown()
  }, { examples: [{ type: 'signal', payload: {} }] })
}

const RoomIdSchema = Type.String({ pattern: '^[1-9]\\d{0,8}$' })

const entered = <Name extends string>(type: Name) => Type.Object({
  type: Type.Literal(type) as TLiteral<Name>,
  roomId: RoomIdSchema,
  myId: IdSchema
}, { additionalProperties: false, examples: [{ type, roomId: '1234', myId: '2b0c…' }] })

/** What a client gets. */
export const sends = {
  room_created: entered('room_created'),
  room_joined: entered('room_joined'),
  signal: Type.Object({
    type: Type.Literal('signal'),
    senderId: IdSchema,
    payload: Type.Unknown()
  }, { additionalProperties: false, examples: [{ type: 'signal', senderId: '9d41…', payload: {} }] }),
  error: Type.Object({
    type: Type.Literal('error'),
    message: Type.String()
  }, { additionalProperties: false, examples: [{ type: 'error', message: 'Room not found' }] })
}

export type Outgoing = Static<(typeof sends)[keyof typeof sends]>

export const encode = (frame: Outgoing): Frame => new Frame(frame.type, JSON.stringify(frame))

/** This dialect's sentences. */
export const errorMessages = {
  notJson: 'Invalid JSON',
  unknownType: (type: unknown) => `Unknown message type: ${quote(type)}`,
  malformed: () => 'Missing payload',
  noRoomFree: 'No room available',
  absent: 'Room not found',
  full: 'Room is full',
  tooManyAttempts: 'Too many attempts',
  notInRoom: 'Not in a room',
  empty: 'Room is empty',
  slow: 'A member reads too slowly',
  internal: 'Internal error'
}
