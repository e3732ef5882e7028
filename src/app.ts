import { Server as TlsServer } from 'node:tls'
import cors from '@fastify/cors'
import type { FastifyPluginAsync, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import admission from '../plugins/admission.js'
import docs from '../routes/openapi.js'
import metrics from '../routes/metrics.js'
import signalboxPlugin from '../plugins/signalbox.js'
import speak from '../plugins/speak.js'
import tracing from '../plugins/tracing.js'
import websocket from '../plugins/websocket.js'
import { admin } from '../routes/admin/index.js'
import { bareRoot } from '../routes/bare-root.js'
import { drone } from '../routes/drone/index.js'
import { health } from '../routes/health.js'
import { iceServers } from '../routes/ice-servers.js'
import { answerError, answerNotFound, notFoundRefusal, unroutedRequests } from '../routes/unrouted.js'
import { peerjs } from '../routes/peerjs/index.js'
import { psync } from '../routes/psync/index.js'
import { rooms } from '../routes/rooms/index.js'
import { tom } from '../routes/tom/index.js'
import { clipAddress } from './net/address.js'
import { ConfigError } from './config/config-error.js'
import { completeConfig } from './config/read.js'
import type { Config, DialectName } from './config/schema.js'
import { type Timeouts, defaultTimeouts } from './listener/timeouts.js'
import { listeners } from '../plugins/native-listeners.js'
import { loadPlugin } from './config/load-plugin.js'
import { type Tls, tlsOf } from './listener/tls.js'
import { type Clock, systemClock } from './timing/clock.js'

export interface SignalboxOptions {
  /** Settings by their names, as in the environment but typed; what is left out has its default. */
  config?: Partial<Config>
  /** Where its routes begin, in an app that has others. */
  prefix?: string
  /**
   * Whether browsers of other origins get CORS headers and answers to their preflights, for all paths below the prefix. By
   * default only where there is a prefix: at the root it would answer for the routes of others. An app around that has
   * @fastify/cors answers for us too.
   */
  cors?: boolean
}

/** What the stock server has, and an app around has its own of. */
interface ServiceOptions extends SignalboxOptions {
  /** The certificates that the app's server uses, too. */
  tls?: Tls
  timeouts?: Timeouts
  clock?: Clock
  /** Whether nothing else is in the app: then its server, its log, and what is not found in it are ours. */
  isService?: boolean
}

/** How each dialect is mounted. PeerJS brings its paths along; the others are relative to their name. */
const mounts: Record<DialectName, { plugin: FastifyPluginAsync, prefix: (config: Config) => string }> = {
  peerjs: { plugin: peerjs, prefix: ({ PEERJS_PATH }) => PEERJS_PATH.replace(/\/$/, '') },
  rooms: { plugin: rooms, prefix: () => '/rooms' },
  psync: { plugin: psync, prefix: () => '/psync' },
  drone: { plugin: drone, prefix: () => '/drone' },
  tom: { plugin: tom, prefix: () => '/tom' }
}

/**
 * The service as one Fastify plugin. Its decorators reach the app around it, where further dialects can be registered; its
 * routes, hooks and error handling stay its own.
 *
 * @throws ConfigError for a setting with a value it cannot take
 */
export const signalbox = fp<ServiceOptions>(async (app, { config: given = {}, prefix = '', isService = false, cors = isService || prefix !== '', tls: shared, timeouts = defaultTimeouts, clock = systemClock }) => {
  const config = completeConfig(given)
  const tls = shared ?? tlsOf(config)
  if (tls !== undefined && !(app.server instanceof TlsServer)) {
    throw new ConfigError('TLS_CERT: requires an app that listens with TLS, by its own `https` option')
  }
  await app.register(signalboxPlugin, { config, timeouts, clock, ownsServer: isService })
  await app.register(websocket)
  await app.register(admission)
  await app.register(speak)
  // Fastify's types want text of a serialiser, pino takes anything. To say again what the log does costs each request a copy of all of them.
  await app.register(routes, { prefix, cors, isService, ...(!isService && { logSerializers: { req: describeRequest as unknown as () => string } }) })
  await app.register(listeners, { prefix, tls, timeouts, isService })
}, { name: 'signalbox-app', fastify: '5.x' })

const routes: FastifyPluginAsync<{ cors: boolean, isService: boolean }> = async (app, { cors: hasCors, isService }) => {
  const { config, connections, dialects, gate } = app.signalbox

  /** 404 where no dialect is spoken: @fastify/websocket would upgrade, close without a code, and log the query. */
  const refuseUpgrade: onRequestAsyncHookHandler = async ({ ws, ip, routeOptions }, reply) => {
    if (!ws) return
    const { reason, status, error } = routeOptions.config.upgradeRefusal ?? notFoundRefusal
    connections.refused(reason, { address: ip })
    return await reply.code(status).send({ error })
  }

  app.addHook('onRoute', (route) => {
    if (route.wsHandler === undefined && route.websocket !== true) route.onRequest = [...[route.onRequest ?? []].flat(), refuseUpgrade]
  })
  // Not when a request comes: what becomes a WebSocket has no use for it.
  app.addHook('onSend', ({ ws, raw }, reply, _payload, done) => {
    reply.header('x-content-type-options', 'nosniff')
    if (ws || gate.excessOf(raw) !== undefined) reply.header('connection', 'close')
    done()
  })
  // Before it is traced: a span for the request is enough.
  if (isService) app.setNotFoundHandler(answerNotFound)
  await app.register(tracing)
  // The document of the app around holds our routes already.
  if (!app.hasDecorator('swagger')) await app.register(docs)
  app.addHook('onRequest', app.checkOrigin)
  // What no route counts: preflights, and what is not found.
  const { checkRate } = app
  app.addHook('onRequest', async function countUnrouted (request, reply) {
    if (request.method !== 'OPTIONS' && !request.is404) return
    if (hasCors && request.headers.origin !== undefined) reply.headers({ 'access-control-allow-origin': request.headers.origin, vary: 'Origin' })
    return await checkRate.call(this, request, reply)
  })
  // Refused origins never get that far, so those that do are reflected.
  if (hasCors && !app.hasRequestDecorator('corsPreflightEnabled')) await app.register(cors, { origin: true, strictPreflight: false })
  app.setErrorHandler(answerError)
  await app.register(unroutedRequests)

  await app.register(health)
  await app.register(iceServers)
  await app.register(metrics)
  await app.register(admin, { prefix: '/admin' })
  await app.register(bareRoot)
  for (const name of config.DIALECTS) {
    const { plugin, prefix } = mounts[name]
    await app.register(plugin, { prefix: prefix(config) })
  }
  const psyncDialect = dialects.get('psync')
  if (psyncDialect !== undefined) {
    // Where the clients of the original connect.
    await app.register(async (app) => { app.route({ url: '/', ...app.speakAs(psyncDialect) }) }, { prefix: '/ws' })
  }
  for (const name of config.PLUGINS) {
    const { plugin, prefix } = await loadPlugin<FastifyPluginAsync>(name)
    await app.register(plugin, { prefix })
  }
}

/** A request as it is logged: without its query, which may hold a token. */
export function describeRequest ({ method, url, ip }: FastifyRequest): { method: string, path: string | undefined, address: string } {
  return { method, path: url.split('?', 1)[0], address: clipAddress(ip) }
}
