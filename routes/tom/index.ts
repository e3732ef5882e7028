import type { FastifyPluginAsync } from 'fastify'
import { RegisteringClient } from '../../src/dialect/registration.js'
import { type BuiltInDialect, mountSocket, nativePathBelow } from '../dialect.js'
import { tomHandlers } from './handlers.js'
import { announcePresence } from './presence.js'
import { rest } from './rest.js'
import { dialect } from './room.js'
import { encode, errorMessages, frames } from './schema.js'

/** ToM: a presence mesh in which every node hears of every other. */
export const tom: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  const list = announcePresence(state, signalbox)
  await mountSocket(app, '', app.speak({
    name: dialect,
    frames,
    handlers: tomHandlers(state, signalbox.config, list),
    errors: { ...errorMessages, frame: (error) => encode({ type: 'error', error }) },
    open: (connection) => new RegisteringClient(connection)
  }))
  await app.register(rest)
}

export const tomDialect: BuiltInDialect = { name: dialect, plugin: tom, prefix: () => '/tom', nativePath: nativePathBelow('/tom') }
