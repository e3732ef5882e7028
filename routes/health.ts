import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'

const HealthBody = Type.Object({ status: Type.Literal('ok'), uptime: Type.Number({ description: 'Seconds' }) })
const ReadyBody = Type.Object({ status: Type.Union([Type.Literal('ready'), Type.Literal('draining'), Type.Literal('no redis')]) })

/** `GET /health`: the process lives. `GET /ready`: it takes new clients, and reaches all others. */
export const health: FastifyPluginAsyncTypebox = async (app) => {
  const { connections } = app.signalbox
  app.get('/health', { schema: { response: { 200: HealthBody } } }, () => ({ status: 'ok' as const, uptime: process.uptime() }))
  app.get('/ready', { schema: { response: { 200: ReadyBody, 503: ReadyBody } } }, async (_request, reply) => {
    if (connections.isDraining) return await reply.code(503).send({ status: 'draining' })
    if (!app.state.isReady) return await reply.code(503).send({ status: 'no redis' })
    return { status: 'ready' as const }
  })
}
