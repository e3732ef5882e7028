import type { FastifyPluginAsync } from 'fastify'
import { RegisteringClient } from '../../src/dialect/registration.js'
import { tomHandlers } from './handlers.js'
import { announcePresence } from './presence.js'
import { rest } from './rest.js'
import { frames, encode, errorMessages } from './schema.js'

/** ToM: a presence mesh in which every node hears of every other. */
export const tom: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  const list = announcePresence(state, signalbox)
  app.route({
    url: '/',
    ...app.speak({
      name: 'tom',
      frames,
      handlers: tomHandlers(state, signalbox.config, list),
      errors: {
        frame: (error) => encode({ type: 'error', error }),
        notJson: errorMessages.notJson,
        unknownType: () => errorMessages.unknownType,
        malformed: (type) => errorMessages.malformed.get(type) ?? errorMessages.unknownType,
        internal: errorMessages.internal
      },
      open: (connection) => new RegisteringClient(connection)
    })
  })
  await app.register(rest)
}
