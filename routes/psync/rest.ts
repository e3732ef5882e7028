import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import { discovery } from '../discovery.js'
import { roomOf, roomPrefix } from './presence.js'

const QuerySchema = Type.Object({ group: Type.Optional(Type.String({ description: 'Only the peers of this group' })) })

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/health', { onRequest: app.healthAdmission, schema: { response: { 200: Type.String() } } }, async (_request, reply) => {
    return await reply.type('text/plain; charset=utf-8').send('OK')
  })
  await app.register(discovery, {
    dialect: 'psync',
    isOpen: app.signalbox.config.ALLOW_DISCOVERY,
    querystring: QuerySchema,
    async rooms ({ query }, permit) {
      const { group } = query as Static<typeof QuerySchema>
      const names = group === undefined ? await app.state.peers.roomNames(roomPrefix) : [roomOf(group)]
      return names.filter((name) => permit.enterGroup(name.slice(roomPrefix.length)))
    }
  })
}
