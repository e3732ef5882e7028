import { type Static, Type } from '@sinclair/typebox'
import { MemoryBody, ReadyStatus } from '../health-schema.js'

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

export const NodeBody = Type.Object({
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

export type NodeStatus = Static<typeof NodeBody>

export const DrainBody = Type.Object({
  status: Type.Literal('draining'),
  connections: Type.Integer({ description: 'Open connections' }),
  drainMs: Type.Integer({ description: 'Time over which they are closed' })
})

export type Draining = Static<typeof DrainBody>
