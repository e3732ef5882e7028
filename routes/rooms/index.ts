import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import { quote } from '../../src/errors.js'
import { roomsHandlers } from './handlers.js'
import { rest } from './rest.js'
import { frames, say, sentences } from './schema.js'

/** Rooms under a code of a few digits, which one peer tells the others. */
export const rooms: FastifyPluginAsync = async (app) => {
  const { state, signalbox: { config } } = app
  app.route({
    url: '/',
    ...app.speak({
      name: 'rooms',
      frames,
      handlers: roomsHandlers(state, config),
      errors: {
        frame: (message) => say({ type: 'error', message }),
        notJson: sentences.notJson,
        unknownType: (type) => sentences.unknownType(quote(type)),
        malformed: () => sentences.noPayload,
        internal: sentences.internal
      },
      open (connection) {
        const myId = randomUUID()
        return { connection, myId, stamp: `,"senderId":"${myId}"}`, member: undefined }
      },
      close: ({ member }) => member !== undefined && state.peers.leave(member)
    })
  })
  await app.register(rest)
}
