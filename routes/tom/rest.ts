import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { discovery } from '../../src/kit.js'
import { dialect, room } from './room.js'

/** As in the original. */
const HealthBody = Type.Object({ ok: Type.Literal(true) })

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/health', {
    onRequest: app.healthAdmission,
    schema: { summary: 'Health, as the original says it', response: { 200: HealthBody } }
  }, () => ({ ok: true as const }))
  await app.register(discovery, { dialect, isOpen: app.signalbox.config.ALLOW_DISCOVERY, rooms: () => [room] })
}
