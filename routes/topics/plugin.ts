import type { FastifyPluginAsync } from 'fastify'
import { mountRoute } from '../../src/kit.js'
import { topicsHandlers } from './handlers.js'
import { rest } from './rest.js'
import { dialect } from './room.js'
import { errorFrame, errorMessages, frames, sends } from './schema.js'

export const plugin: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  await mountRoute(app, '', app.speak({
    name: dialect,
    frames,
    sends,
    handlers: topicsHandlers(state),
    errors: { ...errorMessages, frame: errorFrame },
    open: (connection) => ({ connection, id: signalbox.generateId(), form: undefined, members: new Map() })
  }))
  await app.register(rest)
}
