import { Type } from '@sinclair/typebox'
import { IdSchema, printable } from '../../src/frame/ids.js'
import { ErrorBody } from '../discovery.js'
import { MemoryBody, ReadyStatus } from '../health.js'
import type { FastifyRequest } from 'fastify'

/** The subject of the administrator who calls. */
export type CallerOf = (request: FastifyRequest) => string | undefined

/** Connections on a page of the list. A busy process can serialise the maximum between two frames. */
const pageSize = { default: 100, max: 1000 }

/** The longest name of a dialect, and of a room in it. */
const maxRoomLength = 512

const ConnectionName = Type.String({ pattern: '^[0-9a-f]{8}-[1-9][0-9]{0,15}$', description: 'Name of a connection in the list' })
const RoomName = Type.String({
  minLength: 1,
  maxLength: maxRoomLength,
  pattern: printable,
  description: '`tom`, `drone`, `peerjs/<key>`, `psync/<group>`, `rooms/<code>`'
})

const ConnectionBody = Type.Object({
  connection: Type.String({ description: 'Its name, unique among all nodes and never used again' }),
  dialect: Type.Optional(Type.String({ description: 'Absent until its first frame has selected one' })),
  peers: Type.Array(Type.Object({ room: Type.String(), id: Type.String() }), { description: 'Its registrations' }),
  subject: Type.Optional(Type.String({ description: 'Subject of its token or certificate' })),
  address: Type.String(),
  openedAt: Type.String({ format: 'date-time' }),
  ageMs: Type.Integer(),
  idleMs: Type.Integer({ description: 'Time since the last frame or pong' }),
  received: Type.Integer({ description: 'Frames' }),
  sent: Type.Integer({ description: 'Frames' }),
  bufferedBytes: Type.Integer({ description: 'Bytes that the client has not read yet' })
})

const StateSizeBody = Type.Object({
  peers: Type.Integer(),
  rooms: Type.Integer(),
  largestRoom: Type.Integer({ description: 'Members' }),
  mailboxes: Type.Integer(),
  mailboxBytes: Type.Integer(),
  sessions: Type.Integer(),
  attempts: Type.Integer()
})

const StateCountersBody = Type.Object({
  renewals: Type.Integer(),
  leasesLost: Type.Integer(),
  peersRestored: Type.Integer(),
  nodesReaped: Type.Integer(),
  peersReaped: Type.Integer(),
  framesDropped: Type.Integer(),
  reconnects: Type.Integer(),
  messagesSkipped: Type.Integer({ description: 'Messages from Redis that were not understood' }),
  commandsRefused: Type.Integer({ description: 'Commands that Redis answered with an error' }),
  roundTripMs: Type.Number()
}, { description: 'With Redis only. Since the start' })

const NodeBody = Type.Object({
  node: Type.String({ description: 'Name of the node, new at each start' }),
  host: Type.String(),
  version: Type.String(),
  status: ReadyStatus,
  state: Type.Union([Type.Literal('memory'), Type.Literal('redis')]),
  uptime: Type.Number({ description: 'Seconds' }),
  connections: Type.Integer(),
  maxClients: Type.Integer(),
  dialects: Type.Array(Type.Object({
    dialect: Type.String(),
    connections: Type.Integer(),
    registrations: Type.Integer({ description: 'Since the start' })
  })),
  size: StateSizeBody,
  counters: Type.Optional(StateCountersBody),
  memory: MemoryBody,
  eventLoop: Type.Object({
    utilization: Type.Number({ description: 'Share of the time that it was busy, from 0 to 1' }),
    delayMs: Type.Number({ description: 'Average delay of its timers' })
  }, { description: 'In the last full second' })
})

const DrainBody = Type.Object({
  status: Type.Literal('draining'),
  connections: Type.Integer({ description: 'Open connections' }),
  drainMs: Type.Integer({ description: 'Time over which they are closed' })
})

const errors = { 400: ErrorBody, 401: ErrorBody }
const gone = Type.Null({ description: 'Closed' })
const admin = { tags: ['admin'] }

export const routes = {
  list: {
    ...admin,
    summary: 'Connections of this node, oldest first',
    querystring: Type.Object({
      dialect: Type.Optional(Type.String({ maxLength: 256, description: 'Only connections of this dialect' })),
      limit: Type.Integer({ minimum: 1, maximum: pageSize.max, default: pageSize.default }),
      after: Type.Optional(ConnectionName)
    }),
    response: {
      200: Type.Object({
        connections: Type.Array(ConnectionBody),
        next: Type.Optional(Type.String({ description: 'Value of `after` for the next page. Absent on the last page' }))
      }),
      ...errors
    }
  },
  closeConnection: {
    ...admin,
    summary: 'Closes a connection of this node with 1008',
    params: Type.Object({ connection: ConnectionName }),
    response: { 204: gone, ...errors, 404: ErrorBody }
  },
  disconnect: {
    ...admin,
    summary: 'Closes a peer’s connection with 1008, on any node',
    querystring: Type.Object({ room: RoomName, id: IdSchema }),
    response: { 204: gone, ...errors, 404: ErrorBody, 503: ErrorBody }
  },
  node: {
    ...admin,
    summary: 'Node status',
    response: { 200: NodeBody, 401: ErrorBody }
  },
  drain: {
    ...admin,
    summary: 'Drains the node: rejects new clients and closes all connections with 1001 over DRAIN_MS. The process keeps running',
    response: { 202: DrainBody, 401: ErrorBody }
  }
}
