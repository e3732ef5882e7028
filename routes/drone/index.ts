import type { FastifyPluginAsync } from 'fastify'
import { quote } from '../../src/frame/close-codes.js'
import { RegisteringClient } from '../../src/dialect/registration.js'
import { droneHandlers } from './handlers.js'
import { announceLeaving } from './presence.js'
import { rest } from './rest.js'
import { frames, encode, errorMessages } from './schema.js'

/** The drone service: drones, cameras and monitors that call each other in sessions. */
export const drone: FastifyPluginAsync = async (app) => {
  const { state, signalbox: { config, timers } } = app
  const list = config.DRONE_LIST_UPDATES ? announceLeaving(state, timers) : undefined
  app.route({
    url: '/',
    ...app.speak({
      name: 'drone',
      frames,
      handlers: droneHandlers(state, config, list),
      errors: {
        frame: (message, details) => encode({ type: 'error', message, ...(details !== undefined && { details }) }),
        notJson: errorMessages.malformed,
        unknownType: (type) => typeof type === 'string' ? errorMessages.unknownType(quote(type)) : errorMessages.malformed,
        malformed: () => errorMessages.malformed,
        internal: errorMessages.internal
      },
      open: (connection) => new RegisteringClient(connection)
    })
  })
  await app.register(rest)
}
