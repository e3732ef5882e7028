import type { FastifyPluginAsync } from 'fastify'
import { type DialectDescription, mountRoute, nativePathBelow, RegisteringClient } from '../../src/kit.js'
import { tomHandlers } from './handlers.js'
import { announcePresence } from './presence.js'
import { rest } from './rest.js'
import { dialect } from './room.js'
import { encode, errorMessages, frames, sends } from './schema.js'

const plugin: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  const list = announcePresence(state, signalbox)
  await mountRoute(app, '', app.speak({
    name: dialect,
    frames,
    sends,
    handlers: tomHandlers(state, signalbox.config, list),
    errors: { ...errorMessages, frame: (error) => encode({ type: 'error', error }) },
    open: (connection) => new RegisteringClient(connection)
  }))
  await app.register(rest)
}

/** ToM: a presence mesh in which every node hears of every other. */
export const tom: DialectDescription = {
  name: dialect,
  title: 'ToM',
  plugin,
  prefix: () => '/tom',
  nativePath: nativePathBelow('/tom'),
  firstFrames: [
    { rank: 2, fits: (frame) => frame.type === 'register' && (Object.hasOwn(frame, 'nodeId') || Object.hasOwn(frame, 'username')) },
    { rank: 7, fits: ({ type }) => type === 'heartbeat' || type === 'role-assign' },
    { rank: 7, fits: (frame) => frame.type === 'signal' && (Object.hasOwn(frame, 'from') || Object.hasOwn(frame, 'to')) }
  ],
  sampleUrl: () => '/tom',
  summary: 'Every node of the mesh hears who is there, and signals to any of them.'
}
