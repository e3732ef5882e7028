import type { FastifyPluginAsync } from 'fastify'
import { registrants } from '../../src/dialect/registration.js'
import { tomHandlers } from './handlers.js'
import { announcePresence } from './presence.js'
import { rest } from './rest.js'
import { frames, say, sentences } from './schema.js'

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
        frame: (error) => say({ type: 'error', error }),
        notJson: sentences.notJson,
        unknownType: () => sentences.unknownType,
        malformed: (type) => sentences.malformed.get(type) ?? sentences.unknownType,
        internal: sentences.internal
      },
      ...registrants(state)
    })
  })
  await app.register(rest)
}
