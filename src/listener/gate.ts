import type { EventEmitter } from 'node:events'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { DropArgument, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TokenRate } from '../limits/token-bucket.js'
import { TokenBuckets } from '../limits/token-buckets.js'
import { networkOf } from '../net/address.js'
import { normalizeForwarded } from '../net/forwarded.js'
import type { AuditRecord, RefusalReason } from '../telemetry/audit.js'
import type { Log } from '../telemetry/log.js'
import type { Timers } from '../timing/timers.js'
import { ConnectionLimiter, type ConnectionLimits, reserve } from './connection-limiter.js'
import { ignoreUpgrade, isWebSocketUpgrade } from './ignored-upgrade.js'
import { mergeSlashes } from './paths.js'
import { acceptedSocket, namePeers } from './peer-address.js'
import { ProxyHeaders } from './proxy-headers.js'
import { answer, rawAnswer, statusOf } from './raw-answers.js'
import type { Timeouts } from './timeouts.js'

/** Unanswered requests of one connection: a client that pipelines more is cut. */
const maxPipelined = 16
/** Bytes of answers that a client may leave unread when it asks for more. */
const maxUnread = 262_144
/** Requests of one connection, after which it is closed. */
const maxRequestsPerSocket = 1_000
/** Requests over their rate that an address gets an answer to. Those beyond are cut without one. */
const answeredRefusals = { burst: 20, perSecond: 1 }
/** How often deadlines are checked. In ms. */
const sweepMs = 1_000
/** A server that cannot accept connections is logged at most this often. In ms. */
const complaintMs = 10_000

export interface HttpGateOptions extends ConnectionLimits {
  readonly timeouts: Timeouts
  /** Whether connections from proxies begin with a header of the PROXY protocol. */
  readonly hasProxyHeaders: boolean
  /** Receives upgrades, as the event of a server. */
  readonly upgrades: EventEmitter
  /** CORS headers for an answer to a request with this `Origin`. */
  readonly corsHeaders: (origin: string | undefined) => Record<string, string>
}

export interface HttpGateHost {
  readonly timers: Timers
  readonly log: Log
  readonly refused: (reason: RefusalReason, who: Omit<AuditRecord, 'event' | 'reason'>) => void
}

interface Unanswered {
  requests: number
  /** Of the first of them. */
  readonly response: ServerResponse
  /** When the last answer ended, or the first request came; or when the client had last read all of an answer that goes on. */
  since: number
  /** Bytes that the connection had been sent by then. */
  readonly sentBefore: number
}

/**
 * Stands in front of every HTTP server of the process and bounds, before Fastify sees a request, the number of connections, the
 * requests of each, and the time they take. A WebSocket is only counted.
 */
export class HttpGate {
  readonly #options: HttpGateOptions
  readonly #host: HttpGateHost
  readonly #limiter: ConnectionLimiter
  readonly #proxyHeaders: ProxyHeaders | undefined
  readonly #refusals = { rest: refusalBuckets(), health: refusalBuckets(), handshake: refusalBuckets() }
  /** Connections with unanswered requests. */
  readonly #unanswered = new Map<Socket, Unanswered>()
  /** Connections that a server is about to be given once more. */
  readonly #readAgain = new WeakSet<Socket>()
  /** Connections that have asked for an upgrade, each with the time of its request. */
  readonly #upgrades = new Map<Duplex, number>()
  /** Those whose upgrade was left to other listeners of their server. */
  readonly #left = new Map<Socket, { since: number, sentBefore: number }>()
  #isSweeping = false
  #complainedAt = -Infinity

  constructor (options: HttpGateOptions, host: HttpGateHost) {
    this.#options = options
    this.#host = host
    this.#limiter = new ConnectionLimiter(options)
    const { hasProxyHeaders, isProxy: isBalancer, timeouts: { headersTimeout: headerTimeout } } = options
    if (hasProxyHeaders) this.#proxyHeaders = new ProxyHeaders({ isBalancer, headerTimeout }, host)
  }

  /** Open connections within the limits. */
  get connections (): number {
    return this.#limiter.size
  }

  /** Receives upgrades, as the event of a server. */
  get upgrades (): EventEmitter {
    return this.#options.upgrades
  }

  /** Guards a server from now on. `redirect` may change an upgrade request before it is passed on. */
  guard (server: Server, redirect: (request: IncomingMessage) => void = () => {}): void {
    server.maxConnections = this.#options.maxConnections + reserve
    server.maxRequestsPerSocket = maxRequestsPerSocket
    server.on('connection', this.#onConnection)
    this.#proxyHeaders?.standBefore(server)
    namePeers(server)
    server.on('drop', (from?: DropArgument) => this.#host.refused('max_clients', { address: from?.remoteAddress }))
    server.on('dropRequest', (_request: IncomingMessage, socket: Socket) => this.#cut(socket, 'pipelining'))
    server.on('checkExpectation', this.within((request, response) => this.#refuse(request, response, 417)))
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      if (!isWebSocketUpgrade(request)) return this.ignoreUpgrade(server, request, socket, head)
      prepare(request)
      redirect(request)
      this.#onUpgrade(request, socket, head)
    })
    server.on('error', (error) => { if (server.listening) this.#onError(error) })
  }

  /** Passes requests on to a listener while their connection is within its limits. */
  within (listener: RequestListener): RequestListener {
    return (request, response) => { if (this.#admit(request, response)) listener(request, response) }
  }

  /** The limit that a request's connection is past, if any. */
  excessOf ({ socket }: IncomingMessage): RefusalReason | undefined {
    return this.#limiter.excessOf(socket)
  }

  /** Counts a request over its rate that is about to be answered. */
  noteRateRefusal ({ socket }: IncomingMessage, kind: 'rest' | 'health' | 'handshake'): void {
    const address = socket.remoteAddress ?? ''
    if (!this.#isProxy(address)) this.#refusals[kind].take(networkOf(address), this.#host.timers.now())
  }

  /** Whether a refusal may close the request's connection. A proxy may send another client's next request over it. */
  mayClose ({ socket }: IncomingMessage): boolean {
    return !this.#isProxy(socket.remoteAddress ?? '')
  }

  /** Destroys a socket that has neither become a WebSocket nor ended within `upgradeTimeout`. */
  awaitUpgrade (socket: Duplex): void {
    this.#upgrades.set(socket, this.#host.timers.now())
    this.#scheduleSweep()
  }

  becameWebSocket (socket: Duplex): void {
    this.#upgrades.delete(socket)
  }

  /** Destroys a socket that is sent nothing within `upgradeTimeout`: its upgrade was left to other listeners, and none took it. */
  awaitAnswer (socket: Socket): void {
    this.#left.set(socket, { since: this.#host.timers.now(), sentBefore: socket.bytesWritten })
    this.#scheduleSweep()
  }

  /** Destroys the connections that no server has yet. */
  stopAccepting (): void {
    this.#proxyHeaders?.close()
  }

  /** Destroys the sockets whose upgrade is not done. */
  close (): void {
    for (const socket of this.#upgrades.keys()) socket.destroy()
    this.#upgrades.clear()
    this.#left.clear()
    this.#unanswered.clear()
  }

  /** Answers a malformed or unfinished request, as Node reports it, and closes its connection. */
  readonly onClientError = (error: NodeJS.ErrnoException, socket: Duplex): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) {
      socket.destroy()
      return
    }
    const status = statusOf(error)
    this.#host.refused(status === 408 ? 'timeout' : 'bad_request', { address: acceptedSocket(socket as Socket).remoteAddress })
    const unanswered = this.#unanswered.get(socket as Socket)
    // Not in the middle of another answer: the client would take it for a part of that.
    const isBetween = unanswered === undefined || (unanswered.requests === 1 && !unanswered.response.headersSent)
    if (socket.writable && isBetween) socket.write(rawAnswer(status, this.#options.corsHeaders(originOf(unanswered?.response.req))))
    socket.destroy()
  }

  readonly #onConnection = (socket: Socket): void => {
    // Counted before.
    if (this.#readAgain.delete(socket)) return
    const reason = this.#limiter.admit(socket, this.#host.timers.now())
    if (reason === undefined) return
    this.#host.refused(reason, { address: socket.remoteAddress })
    socket.destroy()
  }

  /** A peer that has gone has no address, and counts as a proxy. */
  #isProxy (address: string): boolean {
    return address === '' || this.#options.isProxy(address)
  }

  #admit (request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request
    if (socket.destroyed) return false
    prepare(request)
    const address = socket.remoteAddress ?? ''
    const isProxy = this.#isProxy(address)
    const now = this.#host.timers.now()
    const { [isHealthCheck(request) ? 'health' : 'rest']: refusals } = this.#refusals
    if (!isProxy && refusals.isEmpty(networkOf(address), now)) return this.#cut(socket, 'connect_rate')
    const unanswered = this.#unanswered.get(socket)
    if (unanswered === undefined) {
      this.#unanswered.set(socket, { requests: 1, response, since: now, sentBefore: socket.bytesWritten })
      this.#scheduleSweep()
    } else {
      if (unanswered.requests >= maxPipelined || socket.writableLength > maxUnread) return this.#cut(socket, 'pipelining')
      unanswered.requests++
    }
    response.on('close', this.#onAnswered)
    if (isProxy) response.on('finish', this.#keepOpen)
    if (request.headers.host === undefined && request.httpVersion === '1.1') {
      this.#refuse(request, response, 400)
      return false
    }
    return true
  }

  #refuse (request: IncomingMessage, response: ServerResponse, status: number): void {
    answer(response, status, this.#options.corsHeaders(originOf(request)))
  }

  readonly #onAnswered = this.#answeredListener()

  #answeredListener (): (this: ServerResponse) => void {
    const gate = this
    return function onAnswered () {
      const { socket } = this.req
      const unanswered = gate.#unanswered.get(socket)
      if (unanswered === undefined) return
      unanswered.since = gate.#host.timers.now()
      if (--unanswered.requests === 0) gate.#unanswered.delete(socket)
    }
  }

  readonly #keepOpen = this.#keepOpenListener()

  /** Runs after Node's own listener, which has set the idle timeout of clients. */
  #keepOpenListener (): (this: ServerResponse) => void {
    const gate = this
    return function keepOpen () { this.req.socket.setTimeout(gate.#options.timeouts.proxyIdleTimeout) }
  }

  #onUpgrade (request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const address = request.socket.remoteAddress ?? ''
    if (!this.#isProxy(address) && this.#refusals.handshake.isEmpty(networkOf(address), this.#host.timers.now())) {
      this.#host.refused('connect_rate', { address })
      socket.destroy()
      return
    }
    this.awaitUpgrade(socket)
    if (this.upgrades.emit('upgrade', request, socket, head)) return
    this.#host.refused('draining', { address })
    socket.on('error', destroy).on('finish', destroy).end(rawAnswer(503, this.#options.corsHeaders(originOf(request))))
  }

  /** A request that offers another protocol is served as one that does not. */
  ignoreUpgrade (server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
    // Its answer would overtake those to the requests before it.
    if (this.#unanswered.has(socket)) {
      this.#cut(socket, 'pipelining')
      return
    }
    this.#readAgain.add(socket)
    ignoreUpgrade(server, request, socket, head)
  }

  /** Destroys a connection, together with the requests that have been read from it. */
  #cut (socket: Socket, reason: RefusalReason): false {
    if (socket.destroyed) return false
    this.#host.refused(reason, { address: socket.remoteAddress })
    // Node's parser would go on through all requests of one read, 64 KiB of them. It stops where one asks for an upgrade.
    const { parser } = socket as Socket & { parser?: { onIncoming: () => number } | null }
    if (parser !== undefined && parser !== null) parser.onIncoming = () => 2
    socket.destroy()
    this.#unanswered.delete(socket)
    return false
  }

  #scheduleSweep (): void {
    if (this.#isSweeping) return
    this.#isSweeping = true
    this.#host.timers.schedule(sweepMs, this.#sweep)
  }

  readonly #sweep = (): void => {
    this.#isSweeping = false
    const now = this.#host.timers.now()
    const { upgradeTimeout, answerTimeout } = this.#options.timeouts
    for (const [socket, since] of this.#upgrades) {
      if (!socket.destroyed && now - since < upgradeTimeout) continue
      this.#upgrades.delete(socket)
      if (!socket.destroyed) this.#timeOut(socket)
    }
    for (const [socket, { since, sentBefore }] of this.#left) {
      const isSettled = socket.destroyed || socket.bytesWritten > sentBefore
      if (!isSettled && now - since < upgradeTimeout) continue
      this.#left.delete(socket)
      if (!isSettled) this.#timeOut(socket)
    }
    for (const [socket, unanswered] of this.#unanswered) {
      const isReadSoFar = socket.writableLength === 0 && socket.bytesWritten > unanswered.sentBefore
      if (isReadSoFar) unanswered.since = now
      if (!socket.destroyed && now - unanswered.since < answerTimeout) continue
      this.#unanswered.delete(socket)
      if (!socket.destroyed) this.#timeOut(socket)
    }
    this.#limiter.sweep(now)
    for (const buckets of Object.values(this.#refusals)) buckets.sweep(now)
    if (this.#upgrades.size > 0 || this.#left.size > 0 || this.#unanswered.size > 0) this.#scheduleSweep()
  }

  #timeOut (socket: Duplex): void {
    this.#host.refused('timeout', { address: (socket as Socket).remoteAddress })
    socket.destroy()
  }

  /** A listening server mostly fails because no more files can be opened: it accepts nothing until a connection ends. */
  #onError (error: Error): void {
    this.#host.refused('pressure', {})
    const now = this.#host.timers.now()
    if (now - this.#complainedAt < complaintMs) return
    this.#complainedAt = now
    this.#host.log.error({ reason: error.message }, 'connections cannot be accepted')
  }
}

const refusalBuckets = (): TokenBuckets => new TokenBuckets(new TokenRate(answeredRefusals.perSecond, answeredRefusals.burst))

/** Health checks have buckets of their own, so that neighbours behind one address cannot cost a load balancer its answer. */
const isHealthCheck = ({ url = '' }: IncomingMessage): boolean => url.endsWith('/health') || url.endsWith('/ready')

/** Before anything reads the path or the address of a request. */
function prepare (request: IncomingMessage): void {
  request.url = mergeSlashes(request.url)
  normalizeForwarded(request.headers)
}

const originOf = (request: IncomingMessage | undefined): string | undefined => request?.headers.origin

function destroy (this: Duplex): void {
  this.destroy()
}
