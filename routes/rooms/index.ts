import type { FastifyPluginAsync } from 'fastify'
import { type DialectDescription, mountRoute, nativePathBelow, originOf } from '../../src/kit.js'
import { guessThrottle } from './guesses.js'
import { roomsHandlers } from './handlers.js'
import { rest } from './rest.js'
import { dialect } from './room.js'
import { encode, errorMessages, frames, sends } from './schema.js'

const plugin: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  const guesses = guessThrottle(state.attempts)
  await mountRoute(app, '', app.speak({
    name: dialect,
    frames,
    sends,
    handlers: roomsHandlers(state, signalbox, guesses),
    errors: { ...errorMessages, frame: (message) => encode({ type: 'error', message }) },
    open (connection) {
      const myId = signalbox.generateId()
      return { connection, myId, stamp: `,"senderId":${JSON.stringify(myId)}}`, origin: originOf(connection), member: undefined }
    },
    close: ({ connection, member }) => member && guesses.left(connection.address)
  }))
  await app.register(rest)
}

/** Rooms with a code of a few digits, which the first peer passes on to the others. */
export const rooms: DialectDescription = {
  name: dialect,
  title: '4-digit rooms',
  plugin,
  prefix: () => '/rooms',
  nativePath: nativePathBelow('/rooms'),
  firstFrames: [{ rank: 1, fits: ({ type }) => type === 'create' || type === 'join' }],
  sampleUrl: () => '/rooms',
  summary: 'One peer creates a room, and passes on its code of a few digits. The others join with it.'
}
