import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import { discovery, roomsBelow } from '../discovery.js'
import { dialect, roomPrefix } from './room.js'

const HealthBody = Type.Object({ status: Type.Literal('ok') })
const QuerySchema = Type.Object({ room: Type.Optional(Type.String({ description: 'Only the peers in this room' })) })

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/health', { onRequest: app.healthAdmission, schema: { response: { 200: HealthBody } } }, () => ({ status: 'ok' as const }))
  await app.register(discovery, {
    dialect,
    isOpen: app.signalbox.config.ALLOW_DISCOVERY,
    querystring: QuerySchema,
    rooms: ({ query }, permit) => roomsBelow(app.state, roomPrefix, (query as Static<typeof QuerySchema>).room, (name) => permit.enterRoom(name))
  })
}
