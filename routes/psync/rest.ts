import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import { discovery, roomsBelow } from '../../src/kit.js'
import { dialect, roomPrefix } from './room.js'

const QuerySchema = Type.Object({ group: Type.Optional(Type.String({ description: 'Only the peers of this group' })) })

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/health', {
    onRequest: app.healthAdmission,
    schema: { summary: 'Health, as the original says it', response: { 200: Type.String() } }
  }, async (_request, reply) => {
    return await reply.type('text/plain; charset=utf-8').send('OK')
  })
  await app.register(discovery, {
    dialect,
    isOpen: app.signalbox.config.ALLOW_DISCOVERY,
    querystring: QuerySchema,
    rooms ({ query }, permit) {
      const { group } = query as Static<typeof QuerySchema>
      return roomsBelow(app.state, roomPrefix, group, (name) => permit.enterGroup(name))
    }
  })
}
