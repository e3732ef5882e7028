import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Static, TObject } from '@sinclair/typebox'
import fp from 'fastify-plugin'
import type { Cluster, Redis } from 'ioredis'
import { Bridge } from '../src/bridge/bridge.js'
import { type Audit, openAudit } from '../src/telemetry/audit.js'
import { type IceServers, iceServersFor } from '../src/auth/ice-servers.js'
import type { Permit } from '../src/auth/permit.js'
import { settingsIn } from '../src/config/read.js'
import { warningsOf } from '../src/config/rules.js'
import type { Config } from '../src/config/schema.js'
import { Connections } from '../src/connection/connections.js'
import type { SignalboxEvents } from '../src/connection/events.js'
import type { CompiledDialect } from '../src/dialect/dialect.js'
import { checkedGenerator, type GenerateId } from '../src/dialect/generate-id.js'
import { HttpGate } from '../src/listener/gate.js'
import type { Timeouts } from '../src/listener/timeouts.js'
import { openFilesLimit, spareFiles } from '../src/limits/open-files.js'
import { TokenRate } from '../src/limits/token-bucket.js'
import type { Clock } from '../src/timing/clock.js'
import { Timers } from '../src/timing/timers.js'
import { EventLoop } from '../src/telemetry/event-loop.js'
import { corsHeadersFor, originFilter } from '../src/net/origins.js'
import { trustedProxies } from '../src/net/trusted-proxies.js'
import { type Auth, openAuth } from './auth.js'
import { openState } from './state.js'

/** One node's parts: its settings, clock, audit trail, authentication, open sockets, and the dialects it speaks. */
export interface Signalbox {
  readonly config: Config
  /** A plugin's own settings, with the types of the schema that its module exports as `settings`. Without `PLUGINS`, their defaults. */
  readonly settingsOf: <Schema extends TObject>(settings: Schema) => Static<Schema>
  readonly timers: Timers
  readonly audit: Audit
  /** The connection for commands, with `REDIS_URL`. */
  readonly redis: Redis | Cluster | undefined
  readonly auth: Auth
  readonly connections: Connections
  /** Tells who comes and goes on this node. Any number of listeners may hear; what one throws is logged, and harms nobody. */
  readonly events: EventEmitter<SignalboxEvents>
  readonly eventLoop: EventLoop
  /** Guards every listener that is ours. */
  readonly gate: HttpGate
  /** Whether `ALLOWED_ORIGINS` has an origin, as a browser writes it. */
  readonly isAllowedOrigin: (origin: string) => boolean
  /**
   * The STUN and TURN servers of the settings, with a credential of the permit's subject that expires with its token. `iceServers` is
   * empty without `STUN_URLS` and `TURN_URLS`; `ttl` is in seconds.
   */
  readonly iceServers: (permit: Permit) => IceServers
  /** A fresh id: a random UUID, or one of the app's own `generateId`. Throws a TypeError for what that returns if it cannot be an id. */
  readonly generateId: GenerateId
  /** Calls between dialects. Undefined without `BRIDGE`. */
  readonly bridge: Bridge | undefined
  /** By name, in the order they were registered. */
  readonly dialects: Map<string, CompiledDialect>
}

declare module 'fastify' {
  interface FastifyInstance { signalbox: Signalbox }
}

export interface SignalboxPluginOptions {
  config: Config
  timeouts: Timeouts
  clock: Clock
  /** Whether pages of allowed origins may read answers. */
  cors: boolean
  generateId?: GenerateId | undefined
}

/** `app.signalbox` and `app.state`, each complete once it is there. */
export default fp<SignalboxPluginOptions>(async (app, { config, timeouts, clock, cors, ...options }) => {
  const generateId = checkedGenerator(options.generateId)
  const timers = new Timers((error) => app.log.error({ err: error }, 'timer failed'), undefined, clock)
  const auth = await openAuth(app, config, timers)
  const audit = openAudit(config, app.log, () => timers.now())
  app.addHook('onClose', async () => {
    timers.close()
    audit.close()
  })
  const { state, redis } = await openState(config, { timers, log: app.log, audit })
  const connections = new Connections({
    maxClients: config.MAX_CLIENTS,
    maxClientsPerAddress: config.MAX_CLIENTS_PER_ADDRESS ?? Infinity,
    maxBuffered: config.MAX_BUFFERED,
    maxPayload: config.MAX_PAYLOAD,
    messageRate: new TokenRate(config.MESSAGE_RATE, config.MESSAGE_BURST),
    heartbeatMs: config.HEARTBEAT_INTERVAL,
    idProbeMs: config.ID_PROBE_MS
  }, { timers, log: app.log, audit, leave: (...leaving) => state.peers.leave(...leaving), ...(auth.hasKey && { verify: auth.verify }) })
  const dialects: Signalbox['dialects'] = new Map()
  const bridge = config.BRIDGE.length === 0
    ? undefined
    : new Bridge(config.BRIDGE, {
      state,
      audit,
      log: app.log,
      clock: timers,
      isDraining: () => connections.isDraining,
      askEveryMs: config.NODE_LEASE_MS
    })
  const files = openFilesLimit()
  const room = Math.max(1, files - spareFiles)
  const isAllowedOrigin = originFilter(config.ALLOWED_ORIGINS)
  const gate = new HttpGate({
    maxConnections: Math.min(config.MAX_CLIENTS, room),
    maxConnectionsPerAddress: config.MAX_CLIENTS_PER_ADDRESS ?? Infinity,
    connectRate: config.CONNECT_RATE,
    isProxy: trustedProxies(config.TRUST_PROXY),
    hasProxyHeaders: config.PROXY_PROTOCOL,
    timeouts,
    corsHeaders: (origin) => cors ? corsHeadersFor(origin, isAllowedOrigin) : {},
    // Where the app around us has @fastify/websocket, that listens to its server.
    upgrades: app.hasDecorator('websocketServer') ? app.server : new EventEmitter()
  }, { timers, log: app.log, refused: connections.refused })
  const eventLoop = new EventLoop()
  app.decorate('state', state)
  // coturn counts its quotas by user: strangers under one name would use up each other's.
  const iceServers = ({ subject = randomUUID(), expiresAt }: Permit) => iceServersFor(subject, expiresAt, timers.timeOfDay(), config)
  const settingsOf: Signalbox['settingsOf'] = (schema) => settingsIn(config, schema)
  const { events: { emitter: events } } = connections
  app.decorate('signalbox', {
    config,
    settingsOf,
    timers,
    audit,
    redis,
    auth,
    connections,
    events,
    eventLoop,
    gate,
    isAllowedOrigin,
    iceServers,
    generateId,
    bridge,
    dialects
  })
  app.addHook('onReady', async () => {
    bridge?.start(dialects.values())
    for (const warning of warningsOf(config)) app.log.warn(warning)
    if (config.MAX_CLIENTS <= room) return
    app.log.warn(`MAX_CLIENTS is ${config.MAX_CLIENTS}, and the process may open ${files} files: connections past ${room} are refused`)
  })
  app.addHook('onClose', async () => {
    await state.close()
    gate.close()
    eventLoop.close()
  })
}, { name: 'signalbox', fastify: '5.x' })
