import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import websocket, { type WebsocketPluginOptions } from '@fastify/websocket'
import fp from 'fastify-plugin'
import type { WebSocket } from 'ws'
import { tokenProtocol } from '../src/auth/tokens.js'
import { closeTimeoutMs } from '../src/connection/connections.js'
import { rawAnswer } from '../src/listener/raw-answers.js'

/** Fragments of a frame. `MESSAGE_RATE` counts whole frames only, and the 16,384 that ws allows would let one socket take a core. */
const maxFragments = 1024

/** Longer than any subprotocol's name, and shorter than any signed token. */
const maxProtocolLength = 64

/** Whether a client offers a token as a subprotocol. It must not be echoed, since answers get into logs. */
function isToken (protocol: string): boolean {
  // JSON in base64 begins so, and with it every token, even a truncated one.
  return protocol.length > maxProtocolLength || /^e[wy][\w-]*\./.test(protocol)
}

/** Key of the subprotocols that the dialect of an upgrade request speaks. Absent where it names none. */
export const spokenProtocols = Symbol('spokenProtocols')

type Select = (offered: Set<string>, request: IncomingMessage & { [spokenProtocols]?: readonly string[] }) => string | false

const selectProtocol: Select = (offered, request) => {
  const spoken = request[spokenProtocols]
  const chosen = spoken && [...offered].find((protocol) => spoken.includes(protocol))
  if (chosen !== undefined) return chosen
  if (offered.has(tokenProtocol)) return tokenProtocol
  return (spoken === undefined && [...offered].find((protocol) => !isToken(protocol))) || false
}

/** Leaves the choice to the app around us, except for dialects that name their protocols. */
function selectBeside (theirs: Select = ([first]) => first ?? false): Select {
  return (offered, request) => (request[spokenProtocols] === undefined ? theirs : selectProtocol)(offered, request)
}

/**
 * @fastify/websocket with our limits, unless the app around us has registered it. Sockets close with 1001 when the app closes; under
 * another's registration, call `connections.drain` before.
 */
export default fp(async (app) => {
  const { config, connections, gate } = app.signalbox
  // Before the hook of @fastify/websocket, which closes all sockets without a code.
  app.addHook('preClose', async () => await connections.drain(0))
  if (!app.hasDecorator('websocketServer')) {
    const options: WebsocketPluginOptions['options'] = {
      maxPayload: config.MAX_PAYLOAD,
      // It uses no more of a server than the `upgrade` event.
      server: gate.upgrades as Server,
      handleProtocols: selectProtocol,
      // Missing in the published types of ws. A spread is not checked for unknown properties.
      ...{ closeTimeout: closeTimeoutMs, maxFragments }
    }
    await app.register(websocket, { options })
    app.websocketServer.on('wsClientError', refuseHandshake)
  } else {
    const { options } = app.websocketServer
    options.handleProtocols = selectBeside(options.handleProtocols)
  }
  app.websocketServer.on('connection', (_socket: WebSocket, { socket }: IncomingMessage) => gate.becameWebSocket(socket))

  /** Answers a handshake that ws refuses. Its version and key have been checked before. */
  function refuseHandshake (_error: Error, socket: Duplex, { socket: { remoteAddress } }: IncomingMessage): void {
    connections.refused('bad_request', { address: remoteAddress })
    socket.on('finish', () => socket.destroy()).end(rawAnswer(400))
  }
}, { name: 'websocket', fastify: '5.x', dependencies: ['signalbox'] })
