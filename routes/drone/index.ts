import type { FastifyPluginAsync } from 'fastify'
import { type DialectDescription, mountRoute, nativePathBelow, RegisteringClient } from '../../src/kit.js'
import { droneBridging } from './bridge.js'
import { droneHandlers } from './handlers.js'
import { announcePresence } from './presence.js'
import { rest } from './rest.js'
import { dialect } from './room.js'
import { encode, errorMessages, frames, sends } from './schema.js'

const plugin: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  const list = announcePresence(state, signalbox)
  const bridging = droneBridging(signalbox.timers)
  await mountRoute(app, '', app.speak({
    name: dialect,
    frames,
    sends,
    handlers: droneHandlers(state, signalbox, list, bridging),
    errors: {
      ...errorMessages,
      frame: (message, details) => encode({ type: 'error', message, ...(details !== undefined && { details }) })
    },
    bridging,
    open: (connection) => new RegisteringClient(connection)
  }))
  await app.register(rest)
}

/** The drone service: drones, cameras and monitors that call each other in sessions. */
export const drone: DialectDescription = {
  name: dialect,
  title: 'Drones and cameras',
  plugin,
  prefix: () => '/drone',
  nativePath: nativePathBelow('/drone'),
  firstFrames: [
    { rank: 4, fits: (frame) => frame.type === 'register' && Object.hasOwn(frame, 'id') },
    { rank: 5, fits: (frame) => frame.type === 'list' || Object.hasOwn(frame, 'target') }
  ],
  sampleUrl: () => '/drone',
  summary: 'A client lists the others and calls one of them. The two talk in a session of their own.'
}
