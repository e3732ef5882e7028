import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { networkOf } from '../src/address.js'
import { originFilter } from '../src/origins.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Who is let in: hooks for socket routes and for REST routes that cost something, in this order. */
    admission: onRequestAsyncHookHandler[]
    /** 403 for a browser of another origin: for every route. */
    checkOrigin: onRequestAsyncHookHandler
  }
}

/** Origins, the drain and `CONNECT_RATE`, all before an upgrade. Handshakes and REST calls are counted apart. */
export default fp(async (app) => {
  const { config, connections } = app.signalbox
  const isAllowed = originFilter(config.ALLOWED_ORIGINS)

  async function checkOrigin ({ headers: { origin } }: FastifyRequest, reply: FastifyReply) {
    if (origin !== undefined && !isAllowed(origin)) return await reply.code(403).send({ error: 'origin not allowed' })
  }

  async function checkDrain (request: FastifyRequest, reply: FastifyReply) {
    if (request.ws && connections.isDraining) return await reply.code(503).header('retry-after', '1').send({ error: 'draining' })
  }

  app.decorate('checkOrigin', checkOrigin)
  app.decorate('admission', [checkOrigin, checkDrain, await rateCheck(app)])
}, { name: 'admission', fastify: '5.x', dependencies: ['signalbox', 'state', 'websocket'] })

/** 429 above `CONNECT_RATE`, counted over all nodes; while Redis cannot be reached, by each node for itself. */
async function rateCheck (app: FastifyInstance): Promise<onRequestAsyncHookHandler> {
  const { config, redis } = app.signalbox
  const limit = {
    max: config.CONNECT_RATE,
    timeWindow: 60_000,
    keyGenerator: ({ ip, ws }: FastifyRequest) => `${ws ? 'handshake' : 'rest'} ${networkOf(ip)}`
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
