import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { WebSocket } from 'ws'
import type { Permit } from '../src/auth/permit.js'
import {
  type CompiledDialect, compileDialect, compileSocketless, type Dialect, type DialectSource, type FrameSchemas, type Handshake,
  type HttpDialect, type SocketlessDialect, TakenNameError
} from '../src/dialect/dialect.js'
import { dropEmptyProtocol, handshakeFault, parametersOf, webSocketVersions } from '../src/listener/handshake.js'
import { spokenProtocols } from './websocket.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Options of a route that speaks a dialect: `app.route({ url: '/', ...app.speak(dialect) })`. A plain GET there is a 404,
     * unless the route brings a `handler` of its own.
     *
     * @throws TypeError when a dialect of that name is there already
     */
    speak: <Frames extends FrameSchemas, ClientState>(dialect: Dialect<Frames, ClientState>) => SpeakRoute
    /** The same for a dialect that another route speaks already, or where the first frame chooses one. */
    speakAs: (speaks: DialectSource) => SpeakRoute
    /**
     * Adds a dialect whose clients have no socket. Each of them is an `HttpClient`.
     *
     * @throws TypeError when a dialect of that name is there already
     */
    addSocketless: (dialect: SocketlessDialect) => HttpDialect
  }
}

/** Options of a route whose WebSockets speak a dialect; a plain GET there is a 404. */
export type SpeakRoute = Pick<RouteOptions, 'method' | 'onRequest' | 'preHandler' | 'handler' | 'schema'> &
  { wsHandler: (socket: WebSocket, request: FastifyRequest) => void }

/** Key of a request's response. It must be detached at the upgrade: nothing answers it any more, and the socket would keep it alive. */
const response = Symbol('response')
/** Key of a request's permit. It is known before the upgrade, so that no frame can arrive earlier. */
const permitted = Symbol('permitted')

/** Not a WeakMap: following its entries in garbage collection takes a tenth of what a connect costs. */
type UpgradeRequest = FastifyRequest & { [response]?: ServerResponse, [permitted]?: Permit | undefined }

/** What a dialect sees of an upgrade request, without keeping the request alive. */
class RequestedHandshake implements Handshake {
  readonly query: Handshake['query']
  readonly params: Handshake['params']
  readonly protocol: string
  readonly #headers: IncomingHttpHeaders

  constructor (request: FastifyRequest, { protocol }: WebSocket) {
    this.query = parametersOf(request)
    // Fastify types them by the route's schema, and makes text of them.
    this.params = request.params as Handshake['params']
    this.protocol = protocol
    this.#headers = request.raw.headers
  }

  /** Copied only for who asks. */
  get headers (): Handshake['headers'] {
    const { authorization, 'sec-websocket-protocol': offered, ...headers } = this.#headers
    return headers
  }
}

/** `app.speak(dialect)` puts a dialect on a route. */
export default fp(async (app) => {
  const { auth, connections, dialects, gate } = app.signalbox
  app.decorateRequest(response, undefined)
  app.decorateRequest(permitted, undefined)

  const speakers = new WeakMap<SpeakRoute['wsHandler'], CompiledDialect>()
  app.addHook('onRoute', ({ url, wsHandler }) => {
    // Fastify has the root of a prefix twice, with and without a slash.
    if (wsHandler !== undefined) speakers.get(wsHandler)?.paths.add(url.replace(/(.)\/$/, '$1'))
  })
  app.addHook('onReady', async () => {
    const mounted = [...dialects.values()].filter(({ paths }) => paths.size > 0)
    if (mounted.length === 0) return
    app.log.info(`dialects: ${mounted.map(({ name, paths }) => `${name} at ${[...paths].join(' and ')}`).join(', ')}`)
  })

  function keepResponse (request: FastifyRequest, { raw }: FastifyReply, done: () => void) {
    if (request.ws) {
      (request as UpgradeRequest)[response] = raw
      dropEmptyProtocol(request.raw.headers)
    }
    done()
  }

  /** With callbacks: where the permit is there at once, a handshake waits for no promise. */
  function authenticate (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void) {
    if (!request.ws) return done()
    const accept = (permit: Permit | undefined): void => {
      (request as UpgradeRequest)[permitted] = permit
      done()
    }
    const permit = auth.authenticate(request)
    if (permit instanceof Promise) permit.then(accept, done)
    else accept(permit)
  }

  /** For a dialect with a place for the token in its first frame. */
  function awaitToken (request: FastifyRequest, _reply: FastifyReply, done: () => void) {
    if (request.ws) (request as UpgradeRequest)[permitted] ??= auth.stranger(request)
    done()
  }

  /** Corks the socket until the write batch ends, so that the answer and the first frames are one write: a connect costs 5 % less. */
  function cork ({ ws, raw: { headers, socket }, ip }: FastifyRequest, reply: FastifyReply, done: () => void) {
    if (!ws) return done()
    const fault = handshakeFault(headers)
    if (fault === undefined) {
      socket.cork()
      connections.batch().cork(socket)
      return done()
    }
    connections.refused('bad_request', { address: ip })
    if (fault === 426) reply.header('sec-websocket-version', webSocketVersions.join(', '))
    reply.code(fault).send({ error: fault === 426 ? 'upgrade required' : 'bad request' })
  }

  function release (socket: WebSocket, request: FastifyRequest): void {
    (request as UpgradeRequest)[response]?.detachSocket(request.raw.socket)
    // The listener of @fastify/websocket keeps the request and its reply alive.
    socket.removeAllListeners('error').on('error', logFailure)
  }

  // ws reports a protocol error after it has closed the socket with the code that fits.
  const logFailure = (error: Error) => app.log.debug({ err: error }, 'socket failed')

  /** Tells ws which subprotocols it may choose. */
  function chooseFrom (protocols: readonly string[]) {
    return ({ raw }: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
      (raw as IncomingMessage & { [spokenProtocols]?: readonly string[] })[spokenProtocols] = protocols
      done()
    }
  }

  function route (speaks: DialectSource): SpeakRoute {
    const { protocols, tokenIn } = 'name' in speaks ? speaks : {}
    const authentication = tokenIn === undefined ? [authenticate] : [authenticate, awaitToken]
    const route: SpeakRoute = {
      method: 'GET',
      schema: { hide: true },
      onRequest: [keepResponse, ...app.admission, ...authentication],
      preHandler: protocols === undefined ? cork : [chooseFrom(protocols), cork],
      handler: async (_request, reply) => await reply.code(404).send({ error: 'not found' }),
      wsHandler (socket, request) {
        release(socket, request)
        connections.accept(socket, speaks, {
          address: request.ip,
          handshake: new RequestedHandshake(request, socket),
          permit: (request as UpgradeRequest)[permitted],
          excess: gate.excessOf(request.raw)
        })
      }
    }
    if (!('choose' in speaks)) speakers.set(route.wsHandler, speaks)
    return route
  }

  function add (name: string, compile: () => CompiledDialect): CompiledDialect {
    if (dialects.has(name)) throw new TakenNameError(name)
    const compiled = compile()
    dialects.set(name, compiled)
    return compiled
  }

  app.decorate('speak', function speak<Frames extends FrameSchemas, ClientState> (dialect: Dialect<Frames, ClientState>) {
    return route(add(dialect.name, () => compileDialect(dialect)))
  })
  app.decorate('speakAs', route)
  app.decorate('addSocketless', (dialect: SocketlessDialect) => add(dialect.name, () => compileSocketless(dialect)))
}, { name: 'speak', fastify: '5.x', dependencies: ['signalbox', 'websocket', 'admission'] })
