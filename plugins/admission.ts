import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
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
  const { config, connections, redis } = app.signalbox
  const isAllowed = originFilter(config.ALLOWED_ORIGINS)

  async function checkOrigin ({ headers: { origin } }: FastifyRequest, reply: FastifyReply) {
    if (origin !== undefined && !isAllowed(origin)) return await reply.code(403).send({ error: 'origin not allowed' })
  }

  async function checkDrain (request: FastifyRequest, reply: FastifyReply) {
    if (request.ws && connections.isDraining) return await reply.code(503).header('retry-after', '1').send({ error: 'draining' })
  }

  if (!app.hasDecorator('rateLimit')) {
    // Counted over all nodes; while Redis cannot be reached, not at all.
    await app.register(rateLimit, { global: false, ...(redis !== undefined && { redis, nameSpace: '{sb:0}:rate:', skipOnError: true }) })
  }
  const checkRate = app.rateLimit({
    max: config.CONNECT_RATE,
    timeWindow: 60_000,
    keyGenerator: ({ ip, ws }) => `${ws ? 'handshake' : 'rest'} ${ip}`
  })

  app.decorate('checkOrigin', checkOrigin)
  // The rate limit is a callback or an async hook by its types, and always async in fact.
  app.decorate('admission', [checkOrigin, checkDrain, checkRate as onRequestAsyncHookHandler])
}, { name: 'admission', fastify: '5.x', dependencies: ['signalbox', 'websocket'] })
