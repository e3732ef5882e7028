import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import { answerOk, discovery, roomsBelow } from '../../src/kit.js'
import { dialect, roomPrefix } from './room.js'

const QuerySchema = Type.Object({ room: Type.Optional(Type.String({ description: 'Only the clients in this room' })) })

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  await answerOk(app, '/health')
  await app.register(discovery, {
    dialect,
    isOpen: app.signalbox.config.ALLOW_DISCOVERY,
    querystring: QuerySchema,
    rooms ({ query }, permit) {
      const { room } = query as Static<typeof QuerySchema>
      return roomsBelow(app.state, roomPrefix, room, (name) => permit.enterRoom(name))
    }
  })
}
