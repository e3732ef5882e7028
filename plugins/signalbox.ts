import { EventEmitter } from 'node:events'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Cluster, Redis } from 'ioredis'
import { type Audit, openAudit } from '../src/telemetry/audit.js'
import type { Permit } from '../src/auth/permit.js'
import type { Config } from '../src/config/schema.js'
import { Connections } from '../src/connection/connections.js'
import type { CompiledDialect } from '../src/dialect/dialect.js'
import { HttpGate, type Timeouts } from '../src/listener/gate.js'
import type { MaybePromise } from '../src/timing/maybe-promise.js'
import { openFilesLimit } from '../src/limits/open-files.js'
import { TokenRate } from '../src/limits/token-bucket.js'
import type { Clock } from '../src/timing/clock.js'
import { Timers } from '../src/timing/timers.js'
import { trustedProxies } from '../src/net/trusted-proxies.js'
import type { Auth } from './auth.js'

/** This node's own: its settings, its clock, its audit trail, its open sockets, and the dialects it speaks. */
export interface Signalbox {
  readonly config: Config
  readonly timers: Timers
  readonly audit: Audit
  readonly connections: Connections
  /** In front of every listener that is ours. */
  readonly gate: HttpGate
  /** By name, in the order they were registered. */
  readonly dialects: Map<string, CompiledDialect>
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

/** Files that the process opens beside the sockets of clients: its log, its keys, its connections to Redis. */
const spareFiles = 96

export interface SignalboxPluginOptions {
  config: Config
  timeouts: Timeouts
  clock: Clock
  /** Whether the app's server is ours alone. */
  ownsServer: boolean
}

export default fp<SignalboxPluginOptions>(async (app, { config, timeouts, clock, ownsServer }) => {
  const timers = new Timers((error) => app.log.error({ err: error }, 'timer failed'), undefined, clock)
  const audit = openAudit(config, app.log)
  const connections = new Connections({
    maxClients: config.MAX_CLIENTS,
    maxClientsPerAddress: config.MAX_CLIENTS_PER_ADDRESS ?? Infinity,
    maxBuffered: config.MAX_BUFFERED,
    maxPayload: config.MAX_PAYLOAD,
    messageRate: new TokenRate(config.MESSAGE_RATE, config.MESSAGE_BURST),
    heartbeatMs: config.HEARTBEAT_INTERVAL
  }, { timers, log: app.log, audit, leave: (member) => app.state.peers.leave(member) })
  const files = openFilesLimit()
  const room = Math.max(1, files - spareFiles)
  const gate = new HttpGate({
    maxConnections: Math.min(config.MAX_CLIENTS, room),
    maxConnectionsPerAddress: config.MAX_CLIENTS_PER_ADDRESS ?? Infinity,
    connectRate: config.CONNECT_RATE,
    isProxy: trustedProxies(config.TRUST_PROXY),
    timeouts,
    upgrades: ownsServer ? new EventEmitter() : app.server
  }, { timers, log: app.log, refused: connections.refused })
  app.decorate('signalbox', { config, timers, audit, connections, gate, dialects: new Map() })
  app.addHook('onReady', async () => {
    if (config.MAX_CLIENTS > room) app.log.warn(`MAX_CLIENTS is ${config.MAX_CLIENTS}, and the process may open ${files} files: connections past ${room} are refused`)
  })
  app.addHook('onClose', async () => {
    gate.close()
    timers.close()
    audit.close()
  })
}, { name: 'signalbox', fastify: '5.x' })
