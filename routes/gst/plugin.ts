import type { FastifyPluginAsync } from 'fastify'
import { andThen, answerOk, discovery, mountRoute } from '../../src/kit.js'
import { gstBridging } from './bridge.js'
import { gstHandlers, join } from './handlers.js'
import { encode, errorMessages, filled, frames, sends } from './schema.js'
import { dialect, GstNode, room } from './sessions.js'

export const plugin: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  const node = new GstNode(state, signalbox)
  await mountRoute(app, '', app.speak({
    name: dialect,
    frames,
    sends,
    handlers: gstHandlers(state, node),
    bridging: gstBridging(node),
    errors: { ...errorMessages, frame: (sentence, details) => encode({ type: 'error', details: filled(sentence, details) }) },
    open (connection) {
      const client = node.open(signalbox.generateId(), connection)
      const welcomed = join(client, state.peers, {}, () => encode({ type: 'welcome', peerId: client.id }))
      return andThen(welcomed, () => client)
    },
    close: (client) => node.close(client)
  }))
  await answerOk(app, '/health')
  await app.register(discovery, { dialect, isOpen: signalbox.config.ALLOW_DISCOVERY, rooms: () => [room] })
}
