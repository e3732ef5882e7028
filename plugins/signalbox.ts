import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Cluster, Redis } from 'ioredis'
import { type Audit, openAudit } from '../src/audit.js'
import type { Permit } from '../src/claims.js'
import type { Config } from '../src/config.js'
import { Connections } from '../src/connections.js'
import type { SpokenDialect } from '../src/dialect.js'
import type { MaybePromise } from '../src/maybe-promise.js'
import { Rate } from '../src/throttle.js'
import { Timers } from '../src/timers.js'
import type { Auth } from './auth.js'

/** This node's own: its settings, its clock, its audit trail, its open sockets, and the dialects it speaks. */
export interface Signalbox {
  readonly config: Config
  readonly timers: Timers
  readonly audit: Audit
  readonly connections: Connections
  /** By name, in the order they were registered. */
  readonly dialects: Map<string, SpokenDialect>
  /** The connection for commands, with `REDIS_URL`. */
  redis?: Redis | Cluster
  /** Who clients are, with a JWT key or where certificates are required; absent, anybody may do anything. */
  auth?: Auth
  /** Who the client of a handshake is: by `auth`, or without it by a certificate if it has one. Absent where no certificates count either. */
  identify?: (handshake: FastifyRequest) => MaybePromise<Permit | undefined>
}

declare module 'fastify' {
  interface FastifyInstance { signalbox: Signalbox }
}

export default fp<{ config: Config }>(async (app, { config }) => {
  const timers = new Timers((error) => app.log.error({ err: error }, 'timer failed'))
  const audit = openAudit(config, app.log)
  const connections = new Connections({
    maxClients: config.MAX_CLIENTS,
    maxClientsPerAddress: config.MAX_CLIENTS_PER_ADDRESS ?? Infinity,
    maxBuffered: config.MAX_BUFFERED,
    maxPayload: config.MAX_PAYLOAD,
    messageRate: new Rate(config.MESSAGE_RATE, config.MESSAGE_BURST),
    heartbeatMs: config.HEARTBEAT_INTERVAL
  }, { timers, log: app.log, audit })
  app.decorate('signalbox', { config, timers, audit, connections, dialects: new Map() })
  app.addHook('onClose', async () => {
    timers.close()
    audit.close()
  })
}, { name: 'signalbox', fastify: '5.x' })
