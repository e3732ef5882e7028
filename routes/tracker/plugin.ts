import type { FastifyPluginAsync } from 'fastify'
import { answerOk, mountRoute } from '../../src/kit.js'
import { TrackerClient } from './client.js'
import { trackerHandlers } from './handlers.js'
import { errorMessages, failure, frames, sends } from './schema.js'
import { dialect } from './swarm.js'

export const plugin: FastifyPluginAsync = async (app) => {
  await mountRoute(app, '', app.speak({
    name: dialect,
    frames,
    sends,
    handlers: trackerHandlers(app.state),
    errors: { ...errorMessages, frame: failure },
    typeOf (frame) {
      const { action, answer } = Object(frame) as { action?: unknown, answer?: unknown }
      if (typeof action !== 'string') return undefined
      return action === 'announce' && Boolean(answer) ? 'answer' : action
    },
    open: (connection) => new TrackerClient(connection)
  }))
  await answerOk(app, '/health')
}
