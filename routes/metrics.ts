import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { isGranted } from '../src/auth/permit.js'
import { tokenOf } from '../src/auth/tokens.js'
import { metricsOf } from '../src/metrics.js'

/**
 * `GET /metrics` in the text format of Prometheus. It takes `METRICS_TOKEN`, or with a JWT key a token with the role `admin`. With
 * neither setting it is open.
 */
export default fp(async (app) => {
  const { state, signalbox: { config: { METRICS_TOKEN: secret }, auth, bridge, connections, dialects, eventLoop } } = app
  const registry = metricsOf({ state, connections, dialects, eventLoop, bridge })

  async function mayRead (request: FastifyRequest): Promise<boolean> {
    const token = tokenOf(request.headers, {})
    if (secret !== undefined && token !== undefined && isSame(token, secret)) return true
    if (auth.isOpen) return secret === undefined
    return isGranted(await auth.authenticate(request), 'admin')
  }

  async function checkReader (request: FastifyRequest, reply: FastifyReply) {
    if (!await mayRead(request)) return await app.refuseCaller(request, reply)
  }

  app.get('/metrics', { onRequest: [...app.operatorAdmission, checkReader], schema: { hide: true } }, async (_request, reply) => {
    return await reply.type(registry.contentType).send(await registry.metrics())
  })
}, { name: 'metrics', fastify: '5.x', dependencies: ['signalbox', 'admission'] })

/** Compares in constant time. */
function isSame (one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(first, second)
}
