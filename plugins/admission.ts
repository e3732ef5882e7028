import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { networkOf } from '../src/net/address.js'
import { unauthorized } from '../src/frame/close-codes.js'
import { originFilter } from '../src/net/origins.js'
import { Pressure } from '../src/limits/pressure.js'
import { TokenRate } from '../src/limits/token-bucket.js'
import { TokenBuckets } from '../src/limits/token-buckets.js'

/** When a client that was turned away does right to come back. In s. */
const retryAfterS = { draining: 1, pressure: 5, max_clients: 5, max_clients_per_address: 5 }
/** Checks of health from one address, at once and then a second: more than any load balancer makes. */
const healthRate = { burst: 100, perSecond: 50 }

declare module 'fastify' {
  interface FastifyInstance {
    /** Who is let in: hooks for every route that is no check of health, in this order. */
    admission: onRequestAsyncHookHandler[]
    /** The same for operators, who are answered also when all places are taken. */
    operatorAdmission: onRequestAsyncHookHandler[]
    /** The same for checks of health, which have a rate of their own beside. */
    healthAdmission: Array<onRequestAsyncHookHandler | onRequestHookHandler>
    /** 429 above `CONNECT_RATE`, where there is no route. */
    checkRate: onRequestAsyncHookHandler
    /** 403 for a browser of another origin: for every route. */
    checkOrigin: onRequestAsyncHookHandler
    /** Answers 401 to a REST call whose caller may not make it, and writes it down. */
    refuseCaller: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>
  }
}

/** Origins, the drain, pressure and `CONNECT_RATE`, all before an upgrade. Handshakes and REST calls are counted apart. */
export default fp(async (app) => {
  const { config, connections, gate } = app.signalbox
  const isAllowed = originFilter(config.ALLOWED_ORIGINS)
  const pressure = new Pressure(config.MAX_EVENT_LOOP_DELAY, config.MAX_MEMORY)
  app.addHook('onClose', async () => pressure.close())
  const healthChecks = new TokenBuckets(new TokenRate(healthRate.perSecond, healthRate.burst))

  async function checkOrigin ({ headers: { origin }, ip }: FastifyRequest, reply: FastifyReply) {
    if (origin === undefined || isAllowed(origin)) return
    connections.refused('origin', { address: ip })
    return await reply.code(403).send({ error: 'origin not allowed' })
  }

  async function checkCapacity ({ ip, ws, raw }: FastifyRequest, reply: FastifyReply) {
    // A WebSocket hears of it by a close code.
    const reason = !ws ? gate.excessOf(raw) as keyof typeof retryAfterS | undefined : connections.isDraining ? 'draining' : pressure.isHigh ? 'pressure' : undefined
    if (reason === undefined) return
    connections.refused(reason, { address: ip })
    return await reply.code(503).header('retry-after', String(retryAfterS[reason])).send({ error: sentences[reason] })
  }

  function checkHealthRate (request: FastifyRequest, reply: FastifyReply, done: () => void) {
    const { ip, raw } = request
    if (healthChecks.take(networkOf(ip), performance.now())) return done()
    connections.refused('connect_rate', { address: ip })
    gate.noteRateRefusal(raw, 'health')
    if (gate.mayClose(raw)) reply.header('connection', 'close')
    reply.code(429).header('retry-after', '1').send({ error: 'too many requests' })
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
}, { name: 'admission', fastify: '5.x', dependencies: ['signalbox', 'websocket'] })

const sentences = { draining: 'draining', pressure: 'under pressure', max_clients: 'too many connections', max_clients_per_address: 'too many connections' }

/** 429 above `CONNECT_RATE`, counted over all nodes; while Redis cannot be reached, by each node for itself. */
async function rateCheck (app: FastifyInstance): Promise<onRequestAsyncHookHandler> {
  const { config, connections, gate, redis } = app.signalbox
  const limit = {
    max: config.CONNECT_RATE,
    timeWindow: 60_000,
    keyGenerator: ({ ip, ws }: FastifyRequest) => `${ws ? 'handshake' : 'rest'} ${networkOf(ip)}`,
    onExceeded ({ ip, ws, raw }: FastifyRequest) {
      connections.refused('connect_rate', { address: ip })
      gate.noteRateRefusal(raw, ws ? 'handshake' : 'rest')
    }
  }
  // The rate limit is a callback or an async hook by its types, and always async in fact.
  const hook = (check: unknown): onRequestAsyncHookHandler => async function checkRate (request, reply) {
    try {
      return await (check as onRequestAsyncHookHandler).call(this, request, reply)
    } catch (error) {
      // Who is refused has to come anew for the next answer.
      if (!request.ws && gate.mayClose(request.raw)) reply.header('connection', 'close')
      throw error
    }
  }

  // An app around that has its own counts for us too.
  if (app.hasDecorator('rateLimit')) return hook(app.rateLimit(limit))
  if (redis === undefined) {
    await app.register(rateLimit, { global: false, ...limit })
    return hook(app.rateLimit())
  }
  let checkHere: onRequestAsyncHookHandler | undefined
  await app.register(async (apart) => {
    await apart.register(rateLimit, { global: false, ...limit })
    checkHere = hook(apart.rateLimit())
  })
  await app.register(rateLimit, { global: false, ...limit, redis, nameSpace: 'sb:rate:', skipOnError: true })
  const checkEverywhere = hook(app.rateLimit())
  return async function checkRate (request, reply) {
    const check = app.state.isReady ? checkEverywhere : checkHere
    return await check?.call(this, request, reply)
  }
}
