import type { FastifyPluginAsync } from 'fastify'
import { type DialectDescription, mountRoute, RegisteringClient } from '../../src/kit.js'
import { psyncBridging } from './bridge.js'
import { psyncHandlers } from './handlers.js'
import { announcePresence } from './presence.js'
import { rest } from './rest.js'
import { dialect } from './room.js'
import { encode, errorMessages, frames, sends } from './schema.js'

const plugin: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  announcePresence(state, signalbox)
  await mountRoute(app, '/ws', app.speak({
    name: dialect,
    frames,
    sends,
    handlers: psyncHandlers(state, signalbox.config, signalbox.bridge?.of(dialect)),
    errors: {
      ...errorMessages,
      frame: (message, target) => encode({ type: 'error', payload: { message, ...(target !== undefined && { target_id: target }) } })
    },
    // The original forgets a silent peer after as long.
    liveness: { maxSilenceMs: signalbox.config.PSYNC_PEER_TTL_MS },
    bridging: psyncBridging,
    open: (connection) => new RegisteringClient(connection)
  }))
  await app.register(rest)
}

/** PSync: peers find each other in groups. */
export const psync: DialectDescription = {
  name: dialect,
  title: 'PSync',
  plugin,
  prefix: () => '/psync',
  rootPath: '/ws',
  nativePath (path, isUpgrade) {
    if (!isUpgrade) return path === '/health' ? '/psync/health' : undefined
    return /^\/ws\/?$/.test(path) ? '/psync/ws' : undefined
  },
  firstFrames: [
    { rank: 3, fits: (frame) => frame.type === 'register' && (Object.hasOwn(frame, 'source_id') || isObject(frame.payload)) },
    { rank: 6, fits: (frame) => Object.hasOwn(frame, 'source_id') }
  ],
  sampleUrl: () => '/psync/ws',
  summary: 'Peers join a group by name, hear who is in it, and signal to any of them.'
}

function isObject (value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
