import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import { discovery } from '../discovery.js'
import { roomPrefix } from './handlers.js'

const HealthBody = Type.Object({ status: Type.Literal('ok') })
const QuerySchema = Type.Object({ room: Type.Optional(Type.String({ description: 'Only the peers in this room' })) })

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/health', { onRequest: app.healthAdmission, schema: { response: { 200: HealthBody } } }, () => ({ status: 'ok' as const }))
  await app.register(discovery, {
    dialect: 'rooms',
    isOpen: app.signalbox.config.ALLOW_DISCOVERY,
    querystring: QuerySchema,
    async rooms ({ query }, permit) {
      const { room } = query as Static<typeof QuerySchema>
      const names = room === undefined ? await app.state.peers.roomNames(roomPrefix) : [roomPrefix + room]
      return names.filter((name) => permit.enterRoom(name.slice(roomPrefix.length)))
    }
  })
}
