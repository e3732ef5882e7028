import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'

const HealthBody = Type.Object({ status: Type.Literal('ok'), uptime: Type.Number({ description: 'Seconds' }) })
export const ReadyStatus = Type.Union([Type.Literal('ready'), Type.Literal('draining'), Type.Literal('no redis')])
const ReadyBody = Type.Object({ status: ReadyStatus })

/** Whether the process takes new clients and reaches all others, or what keeps it from that. */
export function readinessOf ({ signalbox: { connections }, state }: FastifyInstance): Static<typeof ReadyStatus> {
  return connections.isDraining ? 'draining' : state.isReady ? 'ready' : 'no redis'
}

/** `GET /health`: the process lives. `GET /ready`: it takes new clients, and reaches all others. */
export const health: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/health', { onRequest: app.healthAdmission, schema: { response: { 200: HealthBody } } }, () => ({ status: 'ok' as const, uptime: process.uptime() }))
  app.get('/ready', { onRequest: app.healthAdmission, schema: { response: { 200: ReadyBody, 503: ReadyBody } } }, async (_request, reply) => {
    const status = readinessOf(app)
    return await reply.code(status === 'ready' ? 200 : 503).send({ status })
  })
}
