import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { isWebSocketUpgrade } from '../src/listener/ignored-upgrade.js'
import { targetsOf } from '../src/listener/paths.js'
import { namePeers } from '../src/listener/peer-address.js'

export interface SharedServerOptions {
  prefix: string
}

/**
 * The server of an app around us, which may have further listeners for upgrades, such as socket.io and Vite. What is below the prefix,
 * and the app's own WebSocket routes, are ours. The rest is theirs if there are any, and is otherwise answered by the app.
 */
export default fp<SharedServerOptions>(async (app, { prefix }) => {
  const { gate } = app.signalbox
  const below = targetsOf(`${prefix}/*`)
  const sockets: RegExp[] = []
  app.addHook('onRoute', ({ url, websocket, wsHandler }) => {
    if (websocket === true || wsHandler !== undefined) sockets.push(targetsOf(url))
  })
  namePeers(app.server)
  app.server.on('upgrade', onUpgrade)

  function onUpgrade (request: IncomingMessage, socket: Socket, head: Buffer): void {
    const { url = '/' } = request
    const isBelow = below.test(url)
    const isAlone = app.server.listenerCount('upgrade') === 1
    // @fastify/websocket as the app around us has registered it listens by itself.
    const isListening = gate.upgrades !== app.server
    if (!isWebSocketUpgrade(request)) {
      if (isListening && (isBelow || isAlone)) gate.ignoreUpgrade(app.server, request, socket, head)
      return
    }
    const isOurs = (prefix !== '' && isBelow) || sockets.some((targets) => targets.test(url))
    if (isOurs) gate.awaitUpgrade(socket)
    if (!isListening) return
    if (isOurs || isAlone) gate.upgrades.emit('upgrade', request, socket, head)
    else gate.awaitAnswer(socket)
  }
}, { name: 'shared-server', fastify: '5.x', dependencies: ['signalbox', 'websocket'] })
