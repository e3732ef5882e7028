import { Type } from '@sinclair/typebox'
import { IdSchema, printable } from '../../src/frame/ids.js'
import { ErrorBody } from '../discovery.js'
import { DrainBody, NodeBody } from './node-schema.js'
import type { FastifyRequest } from 'fastify'

/** The subject of the administrator who calls. */
export type CallerOf = (request: FastifyRequest) => string | undefined

/** Connections on a page of the list. A busy process can serialise the maximum between two frames. */
export const pageSize = { default: 100, max: 1000 }

/** The longest name of a dialect, and of a room in it. */
const maxRoomLength = 512

export const ConnectionName = Type.String({ pattern: '^[0-9a-f]{8}-[1-9][0-9]{0,15}$', description: 'Name of a connection in the list' })
export const RoomName = Type.String({
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
