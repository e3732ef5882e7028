import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { isGranted } from '../src/auth/permit.js'
import { tokenOf } from '../src/auth/tokens.js'
import { Histogram } from '../src/telemetry/histogram.js'
import { metricsOf } from '../src/metrics.js'

const lookMs = 100
/** In s. */
const delayBounds = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5]

/**
 * `GET /metrics` in the text format of Prometheus. With `METRICS_TOKEN` for whoever has that, with a JWT key for who has the
 * role `admin`, else for everybody.
 */
export default fp(async (app) => {
  const { state, signalbox: { config: { METRICS_TOKEN: secret }, auth, connections, dialects } } = app
  const loopDelay = new Histogram(delayBounds)
  const registry = metricsOf({ state, connections, dialects, loopDelay })

  let lookedAt = performance.now()
  const look = setInterval(() => {
    const now = performance.now()
    loopDelay.observe(Math.max(0, now - lookedAt - lookMs) / 1000)
    lookedAt = now
  }, lookMs).unref()
  app.addHook('onClose', async () => clearInterval(look))

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

/** Takes as long whatever the difference is. */
function isSame (one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(first, second)
}
