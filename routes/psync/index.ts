import type { FastifyPluginAsync } from 'fastify'
import { RegisteringClient } from '../../src/dialect/registration.js'
import { psyncHandlers } from './handlers.js'
import { announcePresence } from './presence.js'
import { rest } from './rest.js'
import { frames, encode, errorMessages } from './schema.js'

/** PSync: peers find each other in groups. */
export const psync: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  const { config } = signalbox
  announcePresence(state, signalbox)
  const socket = app.speak({
    name: 'psync',
    frames,
    handlers: psyncHandlers(state, config),
    errors: {
      frame: (message, target) => encode({ type: 'error', payload: { message, ...(target !== undefined && { target_id: target }) } }),
      notJson: errorMessages.notJson,
      unknownType: () => errorMessages.unknownType,
      malformed: (type) => type === 'register' ? errorMessages.incomplete : errorMessages.noTarget,
      internal: errorMessages.internal
    },
    // The original forgets a peer not heard of for so long.
    liveness: { maxSilenceMs: config.PSYNC_PEER_TTL_MS },
    open: (connection) => new RegisteringClient(connection)
  })
  // A plugin of its own, so that the path with a trailing slash is a route too.
  await app.register(async (app) => { app.route({ url: '/', ...socket }) }, { prefix: '/ws' })
  await app.register(rest)
}
