import { type Static, type TLiteral, type TProperties, Type } from '@sinclair/typebox'
import { Frame, IdSchema, quote } from '../../src/kit.js'

const typed = <Name extends string, Fields extends TProperties>(type: Name, fields: Fields, example: object) => Type.Object(
  { type: Type.Literal(type) as TLiteral<Name>, ...fields }, { examples: [{ type, ...example }] }
)

const signals = {
  offer: typed('offer', {}, { sdp: 'v=0…' }),
  answer: typed('answer', {}, { sdp: 'v=0…' }),
  candidate: typed('candidate', {}, { ice: { candidate: '…', sdpMid: '0', sdpMLineIndex: 0 } })
}

/** What a client may send. All that a signal holds is passed on. */
export const frames = {
  register: typed('register', {
    roomId: IdSchema,
    standalone: Type.Optional(Type.Unknown())
  }, { roomId: 'my-room', clientId: 'c', authnMetadata: 'eyJ…' }),
  ...signals,
  pong: typed('pong', {}, {}),
  connected: typed('connected', {}, {})
}

const IceServerSchema = Type.Object({
  urls: Type.Array(Type.String()),
  username: Type.Optional(Type.String()),
  credential: Type.Optional(Type.String())
})

const error = typed('error', { reason: Type.String() }, { reason: 'InvalidJSON' })

/** What a client gets. */
export const sends = {
  accept: typed('accept', {
    connectionId: Type.String(),
    isExistClient: Type.Boolean(),
    isExistUser: Type.Boolean(),
    iceServers: Type.Optional(Type.Array(IceServerSchema))
  }, {
    connectionId: '2b0c…',
    isExistClient: true,
    isExistUser: true,
    iceServers: [{ urls: ['turn:turn.example.com'], username: '1767225600:alice', credential: '…' }]
  }),
  reject: typed('reject', { reason: Type.String() }, { reason: 'full' }),
  ...signals,
  ping: typed('ping', {}, {}),
  bye: typed('bye', {}, {}),
  error
}

export type Register = Static<typeof frames.register>
export type Signal = Static<(typeof signals)[keyof typeof signals]>
export type Outgoing = Static<(typeof sends)[keyof typeof sends]>

export const encode = (frame: Outgoing): Frame => new Frame(frame.type, JSON.stringify(frame))

/** Reasons in a `reject`, which ends the connection. */
export const rejections = {
  full: 'full',
  unavailable: 'InternalServerError',
  notAllowed: 'not allowed'
}

/** This dialect's sentences, as `reason` of an `error`. The original has the first of them in its log. */
export const errorMessages = {
  notJson: 'InvalidJSON',
  unknownType: (type: unknown) => `InvalidMessageType: ${quote(type)}`,
  malformed: () => 'MissingRoomID',
  unregistered: 'RegistrationIncomplete',
  registered: 'AlreadyRegistered',
  slow: 'The other client reads too slowly',
  internal: 'InternalServerError'
}
