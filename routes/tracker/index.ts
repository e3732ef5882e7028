import type { FastifyPluginAsync } from 'fastify'
import { answerOk, mountRoute, nativePathBelow, type OptionalDialect } from '../../src/kit.js'
import { TrackerClient } from './client.js'
import { trackerHandlers } from './handlers.js'
import { errorMessages, failure, frames, sends } from './schema.js'
import { dialect } from './swarm.js'

const plugin: FastifyPluginAsync = async (app) => {
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

/** The WebTorrent tracker: peers of a swarm send their offers to a few others of it, whom the tracker draws. */
export const tracker: OptionalDialect = {
  name: dialect,
  title: 'WebTorrent tracker',
  isOptional: true,
  plugin,
  // Content blockers know `/announce`.
  prefix: () => '/t',
  rootPath: '/announce',
  nativePath: nativePathBelow('/t'),
  sampleUrl: () => '/t',
  summary: 'Peers of a swarm send offers to random others of it.'
}
