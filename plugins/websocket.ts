import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import websocket, { type WebsocketPluginOptions } from '@fastify/websocket'
import fp from 'fastify-plugin'
import type { WebSocket } from 'ws'
import { tokenProtocol } from '../src/auth/tokens.js'
import { closeTimeoutMs } from '../src/connection/connections.js'
import { rawAnswer } from '../src/listener/raw-answers.js'

/** Parts that a frame may come in. Only whole ones count for `MESSAGE_RATE`, and the 16 384 that ws allows would take a core for one socket. */
const maxFragments = 1024

/** Longer than any name of a subprotocol, and shorter than any signed token. */
const maxProtocolLength = 64

/** Whether a client has put a token where the name of a subprotocol belongs. It must not come back: answers get into logs. */
function isToken (protocol: string): boolean {
  // The second is how JSON begins in base64, which is how a token does, a cut one too.
  return protocol.length > maxProtocolLength || /^e[wy][\w-]*\./.test(protocol)
}

/** @fastify/websocket within our bounds, unless the app around us has registered it. Sockets close with 1001 when the app does; over another's registration that takes a `drain` before. */
export default fp(async (app) => {
  const { config, connections, gate } = app.signalbox
  // Before the hook of @fastify/websocket, which closes all sockets without a code.
  app.addHook('preClose', async () => await connections.drain(0))
  if (!app.hasDecorator('websocketServer')) {
    const options: WebsocketPluginOptions['options'] = {
      maxPayload: config.MAX_PAYLOAD,
      // It asks for nothing but an emitter of `upgrade`.
      server: gate.upgrades as Server,
      handleProtocols: (offered) => offered.has(tokenProtocol) ? tokenProtocol : [...offered].find((protocol) => !isToken(protocol)) ?? false,
      // Newer than the published types of ws, which a spread does not ask.
      ...{ closeTimeout: closeTimeoutMs, maxFragments }
    }
    await app.register(websocket, { options })
    app.websocketServer.on('wsClientError', refuseHandshake)
  }
  app.websocketServer.on('connection', (_socket: WebSocket, { socket }: IncomingMessage) => gate.becameWebSocket(socket))

  /** What is wrong with a handshake besides its version and its key, which are looked at before. */
  function refuseHandshake (_error: Error, socket: Duplex, { socket: { remoteAddress } }: IncomingMessage): void {
    connections.refused('bad_request', { address: remoteAddress })
    socket.on('finish', () => socket.destroy()).end(rawAnswer(400))
  }
}, { name: 'websocket', fastify: '5.x', dependencies: ['signalbox'] })
