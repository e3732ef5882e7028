import { type Static, Type } from '@sinclair/typebox'
import { Frame, IdSchema } from '../../src/kit.js'

/** Keys and roles are sent to every node. A key is up to 1 KiB of printable ASCII, the roles are up to 4 KiB in all. */
const maxKeyLength = 1024
const maxRoles = 64
const maxRoleLength = 64

const KeySchema = Type.Optional(Type.Union([Type.String({ maxLength: maxKeyLength, pattern: '^[ -~]*$' }), Type.Null()]))

/** What a node may send. */
export const frames = {
  register: Type.Object({
    type: Type.Literal('register'),
    nodeId: IdSchema,
    username: IdSchema,
    publicKey: KeySchema,
    encryptionKey: KeySchema
  }, { examples: [{ type: 'register', nodeId: 'a', username: 'alice', publicKey: 'MCow', encryptionKey: 'MCow' }] }),
  heartbeat: Type.Object({ type: Type.Literal('heartbeat') }, { examples: [{ type: 'heartbeat' }] }),
  'role-assign': Type.Object({
    type: Type.Literal('role-assign'),
    nodeId: IdSchema,
    roles: Type.Array(Type.String({ maxLength: maxRoleLength }), { maxItems: maxRoles })
  }, { examples: [{ type: 'role-assign', nodeId: 'b', roles: ['relay'] }] }),
  signal: Type.Object({
    type: Type.Literal('signal'),
    from: IdSchema,
    to: IdSchema
  }, { examples: [{ type: 'signal', from: 'a', to: 'b', payload: {} }] })
}

const ParticipantSchema = Type.Object({
  nodeId: IdSchema,
  username: IdSchema,
  encryptionKey: Type.Optional(Type.String())
}, { additionalProperties: false })

/** What a node gets. A signal comes as it was sent, with all its members. */
export const sends = {
  presence: Type.Object({
    type: Type.Literal('presence'),
    action: Type.Union([Type.Literal('join'), Type.Literal('leave')]),
    nodeId: IdSchema,
    username: IdSchema,
    publicKey: Type.String(),
    encryptionKey: Type.Optional(Type.String())
  }, {
    additionalProperties: false,
    examples: ['join', 'leave'].map((action) => ({ type: 'presence', action, nodeId: 'b', username: 'bob', publicKey: '' }))
  }),
  participants: Type.Object({
    type: Type.Literal('participants'),
    participants: Type.Array(ParticipantSchema)
  }, { additionalProperties: false, examples: [{ type: 'participants', participants: [{ nodeId: 'a', username: 'alice' }] }] }),
  heartbeat: Type.Object({
    type: Type.Literal('heartbeat'),
    from: IdSchema
  }, { additionalProperties: false, examples: [{ type: 'heartbeat', from: 'b' }] }),
  'role-assign': Type.Object({
    type: Type.Literal('role-assign'),
    nodeId: IdSchema,
    roles: Type.Array(Type.String()),
    from: IdSchema
  }, { additionalProperties: false, examples: [{ type: 'role-assign', nodeId: 'b', roles: ['relay'], from: 'a' }] }),
  signal: frames.signal,
  error: Type.Object({
    type: Type.Literal('error'),
    error: Type.String()
  }, { additionalProperties: false, examples: [{ type: 'error', error: 'peer not found' }] })
}

export type Outgoing = Static<(typeof sends)[keyof typeof sends]>

export const encode = (frame: Outgoing): Frame => new Frame(frame.type, JSON.stringify(frame))

const unknownType = 'unknown message type'

/** By the type of the frame. */
const malformed = new Map([
  ['register', 'missing nodeId or username'],
  ['role-assign', 'missing nodeId or roles'],
  ['signal', 'missing to or from']
])

/** This dialect's sentences. */
export const errorMessages = {
  notJson: 'invalid JSON',
  unknownType: () => unknownType,
  malformed: (type: string) => malformed.get(type) ?? unknownType,
  taken: 'nodeId is taken',
  notRegistered: 'not registered',
  forged: 'from does not match the registered nodeId',
  absent: 'peer not found',
  internal: 'internal error'
}
