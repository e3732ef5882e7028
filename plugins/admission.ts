import { getHeapStatistics } from 'node:v8'
import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { networkOf } from '../src/address.js'
import { unauthorized } from '../src/errors.js'
import { originFilter } from '../src/origins.js'

/** When a client that was turned away does right to come back. In s. */
const retryAfterS = { draining: 1, pressure: 5 }
/** How often the process is looked at. In ms. */
const lookMs = 1000
/** Of the heap that Node may take, what may be in use. */
const heapShare = 0.9

declare module 'fastify' {
  interface FastifyInstance {
    /** Who is let in: hooks for socket routes and for REST routes that cost something, in this order. */
    admission: onRequestAsyncHookHandler[]
    /** 403 for a browser of another origin: for every route. */
    checkOrigin: onRequestAsyncHookHandler
    /** Answers 401 to a REST call whose caller may not make it, and writes it down. */
    refuseCaller: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>
  }
}

/** Origins, the drain, pressure and `CONNECT_RATE`, all before an upgrade. Handshakes and REST calls are counted apart. */
export default fp(async (app) => {
  const { config, connections } = app.signalbox
  const isAllowed = originFilter(config.ALLOWED_ORIGINS)
  const isUnderPressure = await pressure(app)

  async function checkOrigin ({ headers: { origin }, ip }: FastifyRequest, reply: FastifyReply) {
    if (origin === undefined || isAllowed(origin)) return
    connections.refused('origin', { address: ip })
    return await reply.code(403).send({ error: 'origin not allowed' })
  }

  async function checkCapacity ({ ip, ws }: FastifyRequest, reply: FastifyReply) {
    const reason = !ws ? undefined : connections.isDraining ? 'draining' : isUnderPressure() ? 'pressure' : undefined
    if (reason === undefined) return
    connections.refused(reason, { address: ip })
    return await reply.code(503).header('retry-after', String(retryAfterS[reason])).send({ error: reason === 'draining' ? 'draining' : 'under pressure' })
  }

  app.decorate('refuseCaller', async ({ ip }: FastifyRequest, reply: FastifyReply) => {
    connections.refused('unauthorized', { address: ip })
    return await reply.code(401).header('www-authenticate', 'Bearer').send({ error: unauthorized })
  })
  app.decorate('checkOrigin', checkOrigin)
  app.decorate('admission', [checkOrigin, checkCapacity, await rateCheck(app)])
}, { name: 'admission', fastify: '5.x', dependencies: ['signalbox', 'state', 'websocket'] })

/** Whether the process is behind, or short of memory, for two looks in a row: a single pause, as at the start, is none of it. */
async function pressure (app: FastifyInstance): Promise<() => boolean> {
  const { MAX_EVENT_LOOP_DELAY: maxEventLoopDelay, MAX_MEMORY: maxRssBytes } = app.signalbox.config
  const bounds = maxRssBytes === undefined ? { maxHeapUsedBytes: heapShare * getHeapStatistics().heap_size_limit } : { maxRssBytes }
  let strainedLooks = 0
  // Apart, since its hook would refuse every route of the app, /health included, and the app may have one of its own.
  await app.register(async (apart) => {
    if (!apart.hasDecorator('isUnderPressure')) await apart.register(underPressure, { maxEventLoopDelay, sampleInterval: lookMs, ...bounds })
    const look = setInterval(() => { strainedLooks = apart.isUnderPressure() ? strainedLooks + 1 : 0 }, lookMs).unref()
    apart.addHook('onClose', async () => clearInterval(look))
  })
  return () => strainedLooks > 1
}

/** 429 above `CONNECT_RATE`, counted over all nodes; while Redis cannot be reached, by each node for itself. */
async function rateCheck (app: FastifyInstance): Promise<onRequestAsyncHookHandler> {
  const { config, connections, redis } = app.signalbox
  const limit = {
    max: config.CONNECT_RATE,
    timeWindow: 60_000,
    keyGenerator: ({ ip, ws }: FastifyRequest) => `${ws ? 'handshake' : 'rest'} ${networkOf(ip)}`,
    onExceeded: ({ ip }: FastifyRequest) => connections.refused('connect_rate', { address: ip })
  }
  // The rate limit is a callback or an async hook by its types, and always async in fact.
  const hook = (check: unknown) => check as onRequestAsyncHookHandler

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
