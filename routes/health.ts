import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { mountRoute } from './dialect.js'
import { ReadyStatus } from './health-schema.js'

const OkBody = Type.Object({ status: Type.Literal('ok') })
const HealthBody = Type.Object({ status: Type.Literal('ok'), uptime: Type.Number({ description: 'Seconds' }) })
const ReadyBody = Type.Object({ status: ReadyStatus })

/** Whether the process accepts new clients and reaches those of other nodes, or why not. */
export function readinessOf ({ signalbox: { connections }, state }: FastifyInstance): Static<typeof ReadyStatus> {
  return connections.isDraining ? 'draining' : state.isReady ? 'ready' : 'no redis'
}

/** A dialect's health, where the original says no more than `ok`. */
export async function answerOk (app: FastifyInstance, path: string): Promise<void> {
  const schema = { summary: 'Health', response: { 200: OkBody } }
  await mountRoute(app, path, { method: 'GET', onRequest: app.healthAdmission, schema, handler: () => ({ status: 'ok' }) })
}

/** `GET /health`: the process is alive. `GET /ready`: it accepts new clients and reaches those of other nodes. */
export const health: FastifyPluginAsyncTypebox = async (app) => {
  const onRequest = app.healthAdmission
  app.get('/health', {
    onRequest,
    schema: { tags: ['server'], summary: 'Whether the process is alive', response: { 200: HealthBody } }
  }, () => {
    return { status: 'ok' as const, uptime: process.uptime() }
  })
  app.get('/ready', {
    onRequest,
    schema: { tags: ['server'], summary: 'Whether it accepts clients, or why not', response: { 200: ReadyBody, 503: ReadyBody } }
  }, async (_request, reply) => {
    const status = readinessOf(app)
    return await reply.code(status === 'ready' ? 200 : 503).send({ status })
  })
}
