import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { unauthorized } from '../src/frame/close-codes.js'
import { Pressure } from '../src/limits/pressure.js'
import { retryAfter } from '../src/limits/retry-after.js'
import { TokenRate } from '../src/limits/token-bucket.js'
import { TokenBuckets } from '../src/limits/token-buckets.js'
import { networkOf } from '../src/net/address.js'
import { forwardedAddresses, normalizeForwarded } from '../src/net/forwarded.js'
import { rateCheck } from './rate-limit.js'

/** Why a request gets 503, and after how many seconds at least its client should try again. */
const unavailable = {
  draining: { error: 'draining', retryAfterS: 1 },
  pressure: { error: 'under pressure', retryAfterS: 5 },
  max_clients: { error: 'too many connections', retryAfterS: 5 },
  max_clients_per_address: { error: 'too many connections', retryAfterS: 5 }
}
type Unavailable = keyof typeof unavailable

/** Health checks of one address: more than any load balancer makes. */
const healthRate = { burst: 100, perSecond: 50 }

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Answers pages of every origin: a browser names that of a page with what the page loads, even from the page's own server. A route
     * where that would do harm asks by itself whether the page is ours.
     */
    anyOrigin?: boolean
  }
  interface FastifyInstance {
    /** Hooks that admit a request, in order: for every route but health checks. */
    admission: onRequestHookHandler[]
    /** The same for operators, who are answered even when the server is full. */
    operatorAdmission: onRequestHookHandler[]
    /** The same for health checks, which have a rate of their own. */
    healthAdmission: onRequestHookHandler[]
    /** An `onRoute` hook: puts `admission` before a route that names no hook which counts requests. For routes written by others. */
    admitRoute: (route: RouteOptions) => void
    /** 429 above `CONNECT_RATE`: for requests without a route. */
    checkRate: onRequestHookHandler
    /** 403 for a browser of an origin that is not allowed: for every route without `anyOrigin`. A request is checked once. */
    checkOrigin: onRequestHookHandler
    /** Answers 401 to a REST call, and records it. */
    refuseCaller: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>
  }
}

/** Key of whether a request's origin has been checked: hooks of the app and of its route ask for it. */
const checked = Symbol('checked')

/**
 * Checks origin, drain, pressure and `CONNECT_RATE`, all before an upgrade. Handshakes and REST calls have a rate each. The hooks take
 * callbacks, since every handshake would pay for their promises.
 */
export default fp(async (app) => {
  const { config, connections, eventLoop, gate, isAllowedOrigin, timers } = app.signalbox
  const pressure = new Pressure(config.MAX_EVENT_LOOP_DELAY, config.MAX_MEMORY)
  // While the app is being built the process is busy, and nobody waits for it.
  app.addHook('onReady', async () => eventLoop.onReport(({ delayMs }) => pressure.check(delayMs)))
  const healthChecks = new TokenBuckets(new TokenRate(healthRate.perSecond, healthRate.burst))

  let hasWarned = false

  function readForwarded (request: FastifyRequest): void {
    const { headers, socket: { remoteAddress = '' } } = request.raw
    normalizeForwarded(headers)
    const from = forwardedAddresses(headers)?.at(-1)
    if (hasWarned || from === undefined || from === remoteAddress || request.ip !== remoteAddress) return
    hasWarned = true
    app.log.warn({ address: remoteAddress }, 'a forwarding header came from an address that TRUST_PROXY does not name (in an app of ' +
      'yours: its trustProxy). If this is your proxy, all its clients count as one address, and share its limits')
  }

  app.decorateRequest(checked, false)

  function checkOrigin (request: FastifyRequest & { [checked]?: boolean }, reply: FastifyReply, done: HookHandlerDoneFunction) {
    if (request[checked] === true) return done()
    request[checked] = true
    // First, since all that follows counts and records the address. Not every listener is ours.
    readForwarded(request)
    const { headers: { origin }, ip, routeOptions: { config: { anyOrigin } } } = request
    if (origin === undefined || anyOrigin === true || isAllowedOrigin(origin)) return done()
    connections.refused('origin', { address: ip })
    reply.code(403).send({ error: 'origin not allowed' })
  }

  /** A WebSocket on a connection past a limit is opened all the same, and told by a close code. */
  function reasonAgainst ({ ws, raw }: FastifyRequest): Unavailable | undefined {
    if (!ws) return gate.excessOf(raw) as Unavailable | undefined
    return connections.isDraining ? 'draining' : pressure.isHigh ? 'pressure' : undefined
  }

  function checkCapacity (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) {
    const reason = reasonAgainst(request)
    if (reason === undefined) return done()
    const { error, retryAfterS } = unavailable[reason]
    connections.refused(reason, { address: request.ip })
    reply.code(503).header('retry-after', retryAfter(retryAfterS)).send({ error })
  }

  function checkHealthRate ({ ip, raw }: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) {
    if (healthChecks.take(networkOf(ip), timers.now())) return done()
    connections.refused('connect_rate', { address: ip })
    gate.noteRateRefusal(raw, 'health')
    if (gate.mayClose(raw)) reply.header('connection', 'close')
    reply.code(429).header('retry-after', retryAfter(1)).send({ error: 'too many requests' })
  }

  app.decorate('refuseCaller', async ({ ip }: FastifyRequest, reply: FastifyReply) => {
    connections.refused('unauthorized', { address: ip })
    return await reply.code(401).header('www-authenticate', 'Bearer').send({ error: unauthorized })
  })
  app.decorate('checkOrigin', checkOrigin)
  const checkRate = await rateCheck(app)
  app.decorate('checkRate', checkRate)
  app.decorate('admission', [checkOrigin, checkCapacity, checkRate])
  app.decorate('operatorAdmission', [checkOrigin, checkRate])
  app.decorate('healthAdmission', [checkOrigin, checkHealthRate])
  app.decorate('admitRoute', (route: RouteOptions) => {
    const own = [route.onRequest ?? []].flat()
    if (!own.some((hook) => hook === checkRate || hook === checkHealthRate)) route.onRequest = [...app.admission, ...own]
  })
}, { name: 'admission', fastify: '5.x', dependencies: ['signalbox', 'websocket'] })
