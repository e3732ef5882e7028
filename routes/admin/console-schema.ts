import { type Static, Type } from '@sinclair/typebox'
import { NodeBody } from './node-schema.js'

export { type Draining, type NodeStatus } from './node-schema.js'

const node = Type.String({ description: 'Name of its node' })

export const NodesBody = Type.Object({
  here: Type.String({ description: 'Name of the node that answers' }),
  nodes: Type.Array(NodeBody, { description: 'This one first' }),
  silent: Type.Integer({ description: 'Nodes that hold a lease in Redis and did not answer within a second' }),
  isComplete: Type.Boolean({ description: 'False while Redis is away, and who else there is cannot be known' })
})

const RoomRow = Type.Object({
  room: Type.String(),
  dialect: Type.String(),
  peers: Type.Integer(),
  nodes: Type.Integer({ description: 'Nodes on which it has peers' })
})

export const RoomsBody = Type.Object({
  rooms: Type.Array(RoomRow, { description: 'The largest first' }),
  total: Type.Integer({ description: 'Rooms that fit, listed or not. Of a node only the 1 000 largest are compared with those of others' })
})

const PeerRow = Type.Object({
  connection: Type.String({ description: 'Name of its connection, which may hold several ids' }),
  dialect: Type.Optional(Type.String({ description: 'Absent until its first frame has selected one' })),
  room: Type.Optional(Type.String({ description: 'Absent, as `id` is, for a client without an id' })),
  id: Type.Optional(Type.String()),
  subject: Type.Optional(Type.String({ description: 'Subject of its token or certificate' })),
  address: Type.String(),
  openedAt: Type.Integer({ description: 'ms since the epoch' }),
  idleMs: Type.Integer({ description: 'Time since the last frame or pong' }),
  received: Type.Integer({ description: 'Frames' }),
  sent: Type.Integer({ description: 'Frames' }),
  bufferedBytes: Type.Integer({ description: 'Bytes that the client has not read yet' })
})

export const PeersBody = Type.Object({
  peers: Type.Array(PeerRow, { description: 'In the order in which they connected' }),
  next: Type.Optional(Type.String({ description: 'Value of `after` for the next page. Absent on the last page' }))
})

/** One second of a node: the data of a `sample` event. */
export const SampleBody = Type.Object({
  node,
  time: Type.Integer({ description: 'ms since the epoch' }),
  connections: Type.Integer(),
  peers: Type.Integer({ description: 'Ids that are registered' }),
  received: Type.Number({ description: 'Valid frames a second' }),
  sent: Type.Number({ description: 'Frames a second' }),
  errors: Type.Number({ description: 'Errors told to clients, a second' }),
  refused: Type.Integer({ description: 'Refusals since the last sample' }),
  dropped: Type.Integer({ description: 'Frames since the last sample that reached neither a socket nor a mailbox' }),
  closes: Type.Record(Type.String(), Type.Integer(), { description: 'Sockets closed since the last sample, by close code' }),
  handlingMs: Type.Number({ description: 'Mean time from a frame’s arrival until it is handled. 0 without frames' }),
  delayMs: Type.Number({ description: 'Average delay of the event loop’s timers' }),
  utilization: Type.Number({ description: 'Share of the time that the event loop was busy, from 0 to 1' })
})

/** A record of the audit trail: the data of an `audit` event. */
export const AuditBody = Type.Object({
  node,
  time: Type.Integer({ description: 'ms since the epoch' }),
  event: Type.String(),
  dialect: Type.Optional(Type.String()),
  id: Type.Optional(Type.String()),
  subject: Type.Optional(Type.String()),
  address: Type.Optional(Type.String()),
  room: Type.Optional(Type.String()),
  code: Type.Optional(Type.Integer()),
  reason: Type.Optional(Type.String()),
  by: Type.Optional(Type.String()),
  omitted: Type.Optional(Type.Integer())
})

/** A frame of the followed peer: the data of a `frame` event. */
export const TracedBody = Type.Object({
  node,
  time: Type.Integer({ description: 'ms since the epoch' }),
  type: Type.String({ description: '`unknown` for one that the dialect does not know; `joined`, `left`, `closed` for the peer itself' }),
  bytes: Type.Optional(Type.Integer({ description: 'Absent for what is no frame' })),
  from: Type.Optional(Type.String({ description: 'Id of the sender. Absent for the server' })),
  to: Type.Optional(Type.String({ description: 'Id of the receiver. Absent for the server, or the whole room' })),
  receivers: Type.Optional(Type.Integer({ description: 'Present if it was for the whole room' })),
  outcome: Type.String({
    description: '`sent`, `kept`, `absent`, `failed`, `full`, `foreign`: what the state did with it. `handled`: it went no further. ' +
      '`refused`: the socket did not take it. Else the sentence of the error that answered it'
  })
})

export const OmittedBody = Type.Object({ node, records: Type.Integer({ description: 'Records that the reader was too slow for' }) })

export const EndBody = Type.Object({ reason: Type.Union([Type.Literal('time'), Type.Literal('token'), Type.Literal('closing')]) })

export type NodesAnswer = Static<typeof NodesBody>
export type RoomsAnswer = Static<typeof RoomsBody>
export type RoomSummary = Static<typeof RoomRow>
export type PeersAnswer = Static<typeof PeersBody>
export type PeerSummary = Static<typeof PeerRow>
export type Sample = Static<typeof SampleBody>
export type AuditEntry = Static<typeof AuditBody>
export type TracedEntry = Static<typeof TracedBody>
export type Omitted = Static<typeof OmittedBody>
export type End = Static<typeof EndBody>
