import type { FastifyPluginAsync } from 'fastify'
import { mountRoute } from '../../src/kit.js'
import { ayameHandlers, tokenIn } from './handlers.js'
import { rest } from './rest.js'
import { dialect, endRooms } from './room.js'
import { encode, errorMessages, frames, rejections, sends } from './schema.js'

/** A client that sends nothing for so long is gone, as for the original. In ms. */
const maxFrameGapMs = 60_000

export const plugin: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  endRooms(state.peers)
  await mountRoute(app, '', app.speak({
    name: dialect,
    frames,
    sends,
    handlers: ayameHandlers(state, signalbox),
    errors: { ...errorMessages, frame: (reason) => encode({ type: 'error', reason }) },
    unauthorized: encode({ type: 'reject', reason: rejections.notAllowed }),
    tokenIn,
    liveness: { maxFrameGapMs },
    open: (connection) => ({ connection, id: signalbox.generateId(), member: undefined })
  }))
  await app.register(rest)
}
