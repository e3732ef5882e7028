import { type Static, Type } from '@sinclair/typebox'
import { Frame, IdSchema, quote } from '../../src/kit.js'

/** What a client may send. A room id of any other type names no room. */
export const frames = {
  create: Type.Object({ type: Type.Literal('create') }),
  join: Type.Object({ type: Type.Literal('join'), roomId: Type.Optional(Type.Unknown()) }),
  signal: Type.Object({ type: Type.Literal('signal'), payload: Type.Unknown() })
}

const RoomIdSchema = Type.String({ pattern: '^[1-9]\\d{0,8}$' })

/** What a client gets. */
export const OutgoingSchema = Type.Union([
  Type.Object({
    type: Type.Union([Type.Literal('room_created'), Type.Literal('room_joined')]),
    roomId: RoomIdSchema,
    myId: IdSchema
  }, { additionalProperties: false }),
  Type.Object({ type: Type.Literal('signal'), senderId: IdSchema, payload: Type.Unknown() }, { additionalProperties: false }),
  Type.Object({ type: Type.Literal('error'), message: Type.String() }, { additionalProperties: false })
])

export type Outgoing = Static<typeof OutgoingSchema>

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
