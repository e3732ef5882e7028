import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import { answerOk, discovery, roomsBelow } from '../../src/kit.js'
import { dialect, forms, roomPrefixOf } from './room.js'

const QuerySchema = Type.Object({ topic: Type.Optional(Type.String({ description: 'Only the subscribers of this topic' })) })

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  await answerOk(app, '/health')
  await app.register(discovery, {
    dialect,
    isOpen: app.signalbox.config.ALLOW_DISCOVERY,
    querystring: QuerySchema,
    async rooms ({ query }, permit) {
      const { topic } = query as Static<typeof QuerySchema>
      const rooms = forms.map(async (form) => await roomsBelow(app.state, roomPrefixOf(form), topic, (name) => permit.enterRoom(name)))
      return (await Promise.all(rooms)).flat()
    }
  })
}
