import { Server as TlsServer } from 'node:tls'
import cors from '@fastify/cors'
import type { FastifyPluginAsync, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import admission from '../plugins/admission.js'
import docs, { tagRoute } from '../routes/openapi.js'
import metrics from '../routes/metrics.js'
import pages, { areBuilt } from '../plugins/pages.js'
import sharedServer from '../plugins/shared-server.js'
import signalboxPlugin from '../plugins/signalbox.js'
import speak from '../plugins/speak.js'
import tracing from '../plugins/tracing.js'
import websocket from '../plugins/websocket.js'
import { admin } from '../routes/admin/index.js'
import { asyncapi } from '../routes/asyncapi.js'
import { bareRoot } from '../routes/bare-root.js'
import { bridgePeers } from '../routes/bridge.js'
import { type DialectDescription, mountRoute } from '../routes/dialect.js'
import { health } from '../routes/health.js'
import { iceServers } from '../routes/ice-servers.js'
import { info } from '../routes/info.js'
import { answerError, answerNotFound, notFoundRefusal, unroutedRequests } from '../routes/unrouted.js'
import { thirdParty } from '../routes/plugins.js'
import { web } from '../routes/web.js'
import { clipAddress } from './net/address.js'
import { ConfigError } from './config/config-error.js'
import { completeConfig, type GivenConfig } from './config/read.js'
import type { GenerateId } from './dialect/generate-id.js'
import * as builtIn from './dialects.js'
import { type Timeouts, defaultTimeouts } from './listener/timeouts.js'
import { listeners } from '../plugins/native-listeners.js'
import { type LoadedPlugin, loadPlugins, settingsOf } from './config/load-plugins.js'
import { type Tls, tlsOf } from './listener/tls.js'
import { furtherSettings } from './settings.js'
import { type Clock, systemClock } from './timing/clock.js'

/** Options of `app.register(signalbox, options)`. */
export interface SignalboxOptions {
  /** Settings by name, as in the environment but typed, those of `PLUGINS` among them. Those left out have their defaults. */
  config?: GivenConfig
  /** Prefix of its routes, in an app that has others. */
  prefix?: string
  /**
   * Whether browsers of other origins get CORS headers and answers to preflights, for all paths below the prefix. By default only with
   * a prefix: at the root it would answer for the routes of others. An app that has @fastify/cors answers for us, too.
   */
  cors?: boolean
  /**
   * Makes up ids: for `GET /id` of every dialect, and where a dialect names its clients itself. Each must be new, over all nodes. By
   * default they are random UUIDs.
   */
  generateId?: GenerateId
}

/** For the stock server only. An app around us has its own. */
interface ServiceOptions extends SignalboxOptions {
  /** The certificates, which the app's server uses, too. */
  tls?: Tls
  timeouts?: Timeouts
  clock?: Clock
  /** Whether nothing else is in the app: its server, its log and its 404 are ours. */
  isService?: boolean
}

const descriptions: ReadonlyMap<string, DialectDescription> = new Map(Object.entries(builtIn))

/**
 * The service as one Fastify plugin. Its decorators are visible in the app around it, where further dialects can be registered. Its
 * routes, hooks and error handler apply to itself alone.
 *
 * @throws ConfigError for a setting with an invalid value
 */
export const signalbox = fp<ServiceOptions>(async (app, options) => {
  const { prefix = '', isService = false, cors = isService || prefix !== '', timeouts = defaultTimeouts, clock = systemClock } = options
  const given = options.config ?? {}
  const plugins = await loadPlugins<FastifyPluginAsync>(Array.isArray(given.PLUGINS) ? given.PLUGINS : [])
  const config = completeConfig(given, furtherSettings(settingsOf(plugins)))
  const tls = options.tls ?? tlsOf(config)
  if (tls !== undefined && !(app.server instanceof TlsServer)) {
    throw new ConfigError('TLS_CERT: requires an app that listens with TLS, by its own `https` option')
  }
  if (config.PROXY_PROTOCOL && !isService) {
    throw new ConfigError('PROXY_PROTOCOL: cannot be combined with an app of yours, whose own listener reads no such header')
  }
  await app.register(signalboxPlugin, { config, timeouts, clock, cors, generateId: options.generateId })
  await app.register(websocket)
  if (!isService) await app.register(sharedServer, { prefix })
  await app.register(admission)
  await app.register(speak)
  await app.register(routes, { prefix, cors, isService, plugins, ...(!isService && { logSerializers }) })
  await app.register(listeners, { dialects: descriptions, prefix, tls, timeouts, isService })
}, { name: 'signalbox-app', fastify: '5.x' })

// Typed by Fastify to return text; pino takes anything. Not for the stock server, whose log has it already: each request would copy it.
const logSerializers = { req: describeRequest as unknown as () => string }

interface RoutesOptions {
  readonly cors: boolean
  readonly isService: boolean
  readonly plugins: ReadonlyArray<LoadedPlugin<FastifyPluginAsync>>
}

const routes: FastifyPluginAsync<RoutesOptions> = async (app, { cors: hasCors, isService, plugins }) => {
  const { config, connections, dialects, gate } = app.signalbox

  /** 404 for a handshake on a REST route: @fastify/websocket would upgrade, close without a code, and log the query. */
  const refuseUpgrade: onRequestAsyncHookHandler = async ({ ws, ip, routeOptions }, reply) => {
    if (!ws) return
    const { reason, status, error } = routeOptions.config.upgradeRefusal ?? notFoundRefusal
    connections.refused(reason, { address: ip })
    return await reply.code(status).send({ error })
  }

  app.addHook('onRoute', (route) => {
    if (route.wsHandler !== undefined || route.websocket === true) return
    route.onRequest = [...[route.onRequest ?? []].flat(), refuseUpgrade]
  })
  // On sending, since a handshake that becomes a WebSocket has no use for these headers.
  app.addHook('onSend', ({ ws, raw }, reply, _payload, done) => {
    reply.header('x-content-type-options', 'nosniff')
    // Nothing here is worth keeping, and a cached id, health or refusal does harm.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    if (ws || gate.excessOf(raw) !== undefined) reply.header('connection', 'close')
    done()
  })
  // Before tracing, so that it gets no span of its own beside the request's.
  if (isService || app.prefix !== '') app.setNotFoundHandler(answerNotFound)
  await app.register(tracing)
  // The OpenAPI document of an app around us contains our routes already.
  if (!app.hasDecorator('swagger')) await app.register(docs, { descriptions })
  app.addHook('onRequest', app.checkOrigin)
  // Preflights and unknown paths, which no route counts.
  const { checkRate } = app
  app.addHook('onRequest', function countUnrouted (request, reply, done) {
    if (request.method !== 'OPTIONS' && !request.is404) return done()
    const { origin } = request.headers
    if (hasCors && origin !== undefined) reply.headers({ 'access-control-allow-origin': origin, vary: 'Origin' })
    checkRate.call(this, request, reply, done)
  })
  // Refused origins do not get this far, but for what pages load: any other is reflected.
  if (hasCors && !app.hasRequestDecorator('corsPreflightEnabled')) await app.register(cors, { origin: true, strictPreflight: false })
  app.setErrorHandler(answerError)
  await app.register(unroutedRequests)

  await app.register(health)
  await app.register(iceServers)
  await app.register(metrics)
  await app.register(admin, { prefix: '/admin' })
  await app.register(info, { descriptions })
  await app.register(asyncapi, { descriptions })
  // Without BRIDGE, a PeerJS key of this name has the path.
  if (!config.PEERJS_KEY.includes('bridge')) await app.register(bridgePeers)
  // At the root of another app their paths could be taken.
  const mayHavePages = config.WEB && (isService || app.prefix !== '')
  if (mayHavePages && !areBuilt) app.log.warn('the pages are not built: `npm run build` does it')
  const hasPages = mayHavePages && areBuilt
  if (hasPages) {
    await app.register(pages)
    await app.register(web)
  }
  await app.register(bareRoot, { descriptions: [...descriptions.values()], hasPages })
  for (const name of config.DIALECTS ?? []) {
    const { plugin, prefix, rootPath } = descriptions.get(name) as DialectDescription
    await app.register(async (app) => {
      app.addHook('onRoute', (route) => tagRoute(route, [name]))
      await app.register(plugin)
    }, { prefix: prefix(config) })
    const dialect = dialects.get(name)
    if (rootPath !== undefined && dialect !== undefined) await mountRoute(app, rootPath, app.speakAs(dialect))
  }
  await app.register(thirdParty, { plugins })
}

/** A request as it is logged: without its query, which may contain a token. */
export function describeRequest ({ method, url, ip }: FastifyRequest): { method: string, path: string | undefined, address: string } {
  return { method, path: url.split('?', 1)[0], address: clipAddress(ip) }
}
