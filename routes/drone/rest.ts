import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { discovery, MemoryBody } from '../../src/kit.js'
import { dialect, room } from './room.js'

const HealthBody = Type.Object({
  status: Type.Literal('healthy'),
  clients: Type.Integer({ description: 'Registered clients' }),
  uptime: Type.Number({ description: 'Seconds' }),
  memory: MemoryBody
})

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/health', {
    onRequest: app.healthAdmission,
    schema: { summary: 'Health, as the original says it', response: { 200: HealthBody } }
  }, async () => {
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
    const clients = await app.state.peers.count(room)
    return { status: 'healthy' as const, clients, uptime: process.uptime(), memory: { rss, heapTotal, heapUsed, external } }
  })
  await app.register(discovery, { dialect, isOpen: app.signalbox.config.ALLOW_DISCOVERY, rooms: () => [room] })
}
