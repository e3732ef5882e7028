import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import { quote } from '../../src/frame/close-codes.js'
import { guessThrottle } from './guesses.js'
import { roomsHandlers } from './handlers.js'
import { rest } from './rest.js'
import { frames, encode, errorMessages } from './schema.js'

/** Rooms under a code of a few digits, which one peer tells the others. */
export const rooms: FastifyPluginAsync = async (app) => {
  const { state, signalbox: { config } } = app
  const guesses = guessThrottle(state.attempts)
  app.route({
    url: '/',
    ...app.speak({
      name: 'rooms',
      frames,
      handlers: roomsHandlers(state, config, guesses),
      errors: {
        frame: (message) => encode({ type: 'error', message }),
        notJson: errorMessages.notJson,
        unknownType: (type) => errorMessages.unknownType(quote(type)),
        malformed: () => errorMessages.noPayload,
        internal: errorMessages.internal
      },
      open (connection) {
        const myId = randomUUID()
        return { connection, myId, stamp: `,"senderId":"${myId}"}`, member: undefined }
      },
      close: ({ connection, member }) => member && guesses.left(connection.address)
    })
  })
  await app.register(rest)
}
