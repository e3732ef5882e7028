import websocket, { type WebsocketPluginOptions } from '@fastify/websocket'
import fp from 'fastify-plugin'
import { tokenProtocol } from '../src/auth.js'
import { closeTimeoutMs } from '../src/connections.js'

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
  const { config, connections } = app.signalbox
  // Before the hook of @fastify/websocket, which closes all sockets without a code.
  app.addHook('preClose', async () => await connections.drain(0))
  if (!app.hasDecorator('websocketServer')) {
    const options: WebsocketPluginOptions['options'] = {
      maxPayload: config.MAX_PAYLOAD,
      handleProtocols: (offered) => offered.has(tokenProtocol) ? tokenProtocol : [...offered].find((protocol) => !isToken(protocol)) ?? false,
      // Newer than the published types of ws, which a spread does not ask.
      ...{ closeTimeout: closeTimeoutMs, maxFragments }
    }
    await app.register(websocket, { options })
  }
}, { name: 'websocket', fastify: '5.x', dependencies: ['signalbox'] })
