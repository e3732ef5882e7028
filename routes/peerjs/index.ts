import type { FastifyPluginAsync } from 'fastify'
import { quote } from '../../src/frame/close-codes.js'
import { admit } from './admit.js'
import { peerjsHandlers } from './handlers.js'
import { rest } from './rest.js'
import { frames, encode, errorMessages } from './schema.js'

/** The PeerJS server: peers call each other by id, also a little before they are there. */
export const peerjs: FastifyPluginAsync = async (app) => {
  const { state, signalbox: { config } } = app
  const socket = app.speak({
    name: 'peerjs',
    frames,
    handlers: peerjsHandlers(state, config),
    errors: {
      frame: (msg) => encode({ type: 'ERROR', payload: { msg } }),
      notJson: errorMessages.malformed,
      unknownType: (type) => typeof type === 'string' ? errorMessages.unknownType(quote(type)) : errorMessages.malformed,
      malformed: () => errorMessages.noDestination,
      internal: errorMessages.internal
    },
    unauthorized: encode({ type: 'ERROR', payload: { msg: errorMessages.unauthorized } }),
    // Frames count, pongs do not: a frozen tab still answers pings but can no longer answer an offer.
    liveness: { maxFrameGapMs: config.PEERJS_ALIVE_TIMEOUT },
    open: admit(state, config)
  })
  // A plugin of its own, so that the path with a trailing slash is a route too.
  await app.register(async (app) => { app.route({ url: '/', ...socket }) }, { prefix: '/peerjs' })
  await app.register(rest)
}
