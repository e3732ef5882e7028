import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { WebSocket } from 'ws'
import { openPermit, type Permit } from '../src/auth/permit.js'
import type { DialectSource } from '../src/dialect/dialect.js'
import { type Dialect, type FrameSchemas, compileDialect } from '../src/dialect/dialect.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Options of a route on which a dialect is spoken: `app.route({ url: '/', ...app.speak(dialect) })`. A plain GET there
     * is a 404, unless the route brings a `handler` of its own.
     */
    speak: <Frames extends FrameSchemas, Peer>(dialect: Dialect<Frames, Peer>) => SpeakRoute
    /** The same for a dialect that is spoken elsewhere already, or where the first frame chooses one. */
    speakAs: (speaks: DialectSource) => SpeakRoute
  }
}

export type SpeakRoute = Pick<RouteOptions, 'method' | 'onRequest' | 'preHandler' | 'handler' | 'schema'> & { wsHandler: (socket: WebSocket, request: FastifyRequest) => void }

/** Of a request: what would answer it. Once its socket is upgraded nothing does, and it would stay for as long as the socket. */
const response = Symbol('response')
/** Of a request: its permit, which is known before the upgrade, so that no frame can come before it. */
const admitted = Symbol('admitted')

/** Of the WebSocket protocol, as ws speaks them. */
const versions = ['13', '8']
/** Of 16 bytes in base64. */
const keyLength = 24

/** A request to upgrade. Not by a WeakMap, whose entries the garbage collector follows for a tenth of what a connect costs. */
type Handshake = FastifyRequest & { [response]?: ServerResponse, [admitted]?: Permit | undefined }

/** `app.speak(dialect)`: how a dialect is put on a route. */
export default fp(async (app) => {
  const { identify, connections, dialects, gate } = app.signalbox
  app.decorateRequest(response, undefined)
  app.decorateRequest(admitted, undefined)

  function keepResponse (request: FastifyRequest, { raw }: FastifyReply, done: () => void) {
    if (request.ws) (request as Handshake)[response] = raw
    done()
  }

  /** 400 for a handshake that is none, and by RFC 6455 another status for one of another version. */
  function refuseHandshake ({ ip }: FastifyRequest, reply: FastifyReply, isOfAnotherVersion: boolean): void {
    connections.refused('bad_request', { address: ip })
    if (isOfAnotherVersion) reply.code(426).header('sec-websocket-version', versions.join(', ')).send({ error: 'upgrade required' })
    else reply.code(400).send({ error: 'bad request' })
  }

  /** Holds the answer to a handshake until the turn is over, for what else the turn has for the socket: a connect costs 5 % less. */
  function cork (request: FastifyRequest, reply: FastifyReply, done: () => void) {
    if (request.ws) {
      const { headers, socket } = request.raw
      const isOfAnotherVersion = !versions.includes(headers['sec-websocket-version'] ?? '')
      if (isOfAnotherVersion || headers['sec-websocket-key']?.length !== keyLength) return refuseHandshake(request, reply, isOfAnotherVersion)
      socket.cork()
      connections.batch().cork(socket)
    }
    done()
  }

  function release (socket: WebSocket, request: FastifyRequest): void {
    (request as Handshake)[response]?.detachSocket(request.raw.socket)
    // Of @fastify/websocket, which hands on request and reply.
    socket.removeAllListeners('error').on('error', logFailure)
  }

  // ws has closed the socket with the code that fits by the time it reports what a client did wrong.
  const logFailure = (error: Error) => app.log.debug({ err: error }, 'socket failed')

  async function authenticate (request: FastifyRequest) {
    if (request.ws) (request as Handshake)[admitted] = await identify?.(request)
  }

  function route (speaks: DialectSource): SpeakRoute {
    return {
      method: 'GET',
      schema: { hide: true },
      onRequest: [keepResponse, ...app.admission, ...(identify === undefined ? [] : [authenticate])],
      preHandler: cork,
      handler: async (_request, reply) => await reply.code(404).send({ error: 'not found' }),
      wsHandler (socket, request) {
        const permit = identify === undefined ? openPermit : (request as Handshake)[admitted]
        release(socket, request)
        connections.accept(socket, speaks, { address: request.ip, handshake: { query: parametersOf(request) }, permit, excess: gate.excessOf(request.raw) })
      }
    }
  }

  app.decorate('speak', function speak<Frames extends FrameSchemas, Peer> (dialect: Dialect<Frames, Peer>) {
    const spoken = compileDialect(dialect)
    dialects.set(dialect.name, spoken)
    return route(spoken)
  })
  app.decorate('speakAs', route)
}, { name: 'speak', fastify: '5.x', dependencies: ['signalbox', 'state', 'websocket', 'admission', 'auth'] })

/** Of a parameter given twice the last one counts. One that is no UTF-8 does not: as it stands it is the text of another. */
function parametersOf ({ query, url }: FastifyRequest): Record<string, string> {
  const all = Object.entries(query as Record<string, string | string[]>).map(([name, value]) => [name, Array.isArray(value) ? value.at(-1) ?? '' : value] as const)
  return Object.fromEntries(!url.includes('%') || isEncoded(url) ? all : all.filter(([, value]) => isEncoded(value)))
}

function isEncoded (text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
