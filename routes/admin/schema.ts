import { Type } from '@sinclair/typebox'
import { IdSchema, printable } from '../../src/frame/ids.js'
import { ErrorBody } from '../discovery.js'
import { ReadyStatus } from '../health.js'
import type { FastifyRequest } from 'fastify'

/** The subject of the administrator who calls. */
export type CallerOf = (request: FastifyRequest) => string | undefined

/** A page of the list: enough to look at by default, and at most what a busy process serialises between two frames. */
export const pages = { usual: 100, most: 1000 }

/** The longest name of a dialect and the longest name of a room in it. */
const maxRoomLength = 512

const ConnectionName = Type.String({ pattern: '^[0-9a-f]{8}-[1-9][0-9]{0,15}$', description: 'What the list calls a connection' })
const RoomName = Type.String({ minLength: 1, maxLength: maxRoomLength, pattern: printable, description: '`tom`, `drone`, `peerjs/<key>`, `psync/<group>`, `rooms/<code>`' })

const ConnectionBody = Type.Object({
  connection: Type.String({ description: 'Its name: of this node, and never used again' }),
  dialect: Type.Optional(Type.String({ description: 'Absent until its first frame has chosen one' })),
  peers: Type.Array(Type.Object({ room: Type.String(), id: Type.String() }), { description: 'What it is registered as; none, before it has' }),
  subject: Type.Optional(Type.String({ description: 'Of its token or certificate' })),
  address: Type.String(),
  openedAt: Type.String({ format: 'date-time' }),
  ageMs: Type.Integer(),
  idleMs: Type.Integer({ description: 'Since a frame or a pong came' }),
  received: Type.Integer({ description: 'Frames' }),
  sent: Type.Integer({ description: 'Frames' }),
  bufferedBytes: Type.Integer({ description: 'What waits for the client to read it' })
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
  messagesSkipped: Type.Integer({ description: 'Came from Redis and were not understood' }),
  commandsRefused: Type.Integer({ description: 'Answered by Redis with an error' }),
  roundTripMs: Type.Number()
}, { description: 'With Redis, since the start' })

const NodeBody = Type.Object({
  node: Type.String({ description: 'Its name, until it is started again' }),
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
  memory: Type.Object({ rss: Type.Integer(), heapTotal: Type.Integer(), heapUsed: Type.Integer(), external: Type.Integer() }, { description: 'Bytes' }),
  eventLoop: Type.Object({
    utilization: Type.Number({ description: 'Share of the time that it is busy, from 0 to 1' }),
    delayMs: Type.Number({ description: 'How late its timers were on average' })
  }, { description: 'In the last full second' })
})

const DrainBody = Type.Object({
  status: Type.Literal('draining'),
  connections: Type.Integer({ description: 'How many are open still' }),
  drainMs: Type.Integer({ description: 'ms over which they are closed' })
})

const errors = { 400: ErrorBody, 401: ErrorBody }
const gone = Type.Null({ description: 'It is closed' })
const admin = { tags: ['admin'] }

export const routes = {
  list: {
    ...admin,
    summary: 'Connections of this node, the oldest first',
    querystring: Type.Object({
      dialect: Type.Optional(Type.String({ maxLength: 256, description: 'Only those that speak it' })),
      limit: Type.Integer({ minimum: 1, maximum: pages.most, default: pages.usual }),
      after: Type.Optional(ConnectionName)
    }),
    response: {
      200: Type.Object({
        connections: Type.Array(ConnectionBody),
        next: Type.Optional(Type.String({ description: 'The `after` of the next page, if there is one' }))
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
    summary: 'Closes a peer’s connection with 1008, on whichever node it is',
    querystring: Type.Object({ room: RoomName, id: IdSchema }),
    response: { 204: gone, ...errors, 404: ErrorBody, 503: ErrorBody }
  },
  node: {
    ...admin,
    summary: 'How this node does',
    response: { 200: NodeBody, 401: ErrorBody }
  },
  drain: {
    ...admin,
    summary: 'Lets nobody in any more and closes everybody with 1001, spread over DRAIN_MS; the process stays',
    response: { 202: DrainBody, 401: ErrorBody }
  }
}
