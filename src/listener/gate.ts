import type { EventEmitter } from 'node:events'
import { type IncomingMessage, type RequestListener, type Server, type ServerOptions, ServerResponse, STATUS_CODES } from 'node:http'
import type { DropArgument, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { networkOf } from '../net/address.js'
import type { AuditRecord, RefusalReason } from '../telemetry/audit.js'
import type { Log } from '../telemetry/log.js'
import { TokenRate } from '../limits/token-bucket.js'
import type { Timers } from '../timing/timers.js'
import { TokenBuckets } from '../limits/token-buckets.js'

/** Past the limits so many connections are still heard, so that their clients can be told why they are refused. */
const reserve = 32
/** Requests of one connection that may wait for their answers: who pipelines more is cut. */
const maxPipelined = 16
/** Bytes of answers that may wait for a client to read them when it asks for more. */
const maxUnread = 262_144
/** Requests in one connection, after which it is closed. */
const maxRequestsPerSocket = 1_000
/** Requests past their rate that an address is told about at once, and then a second. What comes beyond that is cut without a word. */
const refusalsTold = { burst: 20, perSecond: 1 }
/** New connections of an address beside those that `CONNECT_RATE` allows, for checks of its health and the like. */
const spareConnections = { burst: 200, perSecond: 50 }
/** How often what has a deadline is looked at. In ms. */
const lookMs = 1_000
/** How often a server that cannot accept is logged at most. In ms. */
const complaintMs = 10_000

/**
 * Connections that the system keeps for a listener until it takes them, if the system allows so many. Past Node's 511 it drops them
 * without a word when hundreds come at once, and whoever is honest among them tries again seconds later.
 */
export const backlog = 4_096

/**
 * How long what a client does over HTTP may take, and how often that is looked at. In ms; a socket, once upgraded, is not a
 * request any more.
 */
export interface Timeouts {
  readonly handshakeTimeout: number
  readonly headersTimeout: number
  readonly requestTimeout: number
  /** From the request to upgrade to its end, whatever that is. */
  readonly upgradeTimeout: number
  /** For a client to read an answer. */
  readonly answerTimeout: number
  /** Without a request, of a client and of a trusted proxy. */
  readonly idleTimeout: number
  readonly proxyIdleTimeout: number
  readonly connectionsCheckingInterval: number
}

export const defaultTimeouts: Timeouts = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  upgradeTimeout: 10_000,
  answerTimeout: 30_000,
  idleTimeout: 5_000,
  proxyIdleTimeout: 72_000,
  connectionsCheckingInterval: 1_000
}

/** What a server behind a gate is created with. */
export function serverOptions (timeouts: Timeouts): ServerOptions & Pick<Timeouts, 'handshakeTimeout'> {
  // Node's own answer to a request without a host is given to all that one read brings, before anybody can count them.
  return { ...timeouts, keepAliveTimeout: timeouts.idleTimeout, requireHostHeader: false }
}

export interface HttpGateOptions {
  /** Open connections, in all and of an address. */
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Handshakes a minute and address, and as many REST calls. */
  readonly connectRate: number
  readonly isProxy: (address: string) => boolean
  readonly timeouts: Timeouts
  /** Where upgrades go on to, as the event of a server. */
  readonly upgrades: EventEmitter
}

export interface HttpGateHost {
  readonly timers: Timers
  readonly log: Log
  readonly refused: (reason: RefusalReason, who: Omit<AuditRecord, 'event' | 'reason'>) => void
}

interface Unanswered {
  requests: number
  /** When one of them was answered last, or came first. */
  since: number
}

/**
 * What stands in front of every HTTP server of the process, before a request is anybody's: how many connections there may be,
 * how many requests in one, and how long each thing may take. What has become a WebSocket is counted, and nothing else.
 */
export class HttpGate {
  readonly #options: HttpGateOptions
  readonly #host: HttpGateHost
  #connections = 0
  /** How many of each address; empty where they are not bounded. */
  readonly #byNetwork = new Map<string, number>()
  /** Connections past a limit that are heard all the same, and which limit it was. */
  readonly #excess = new Map<string, RefusalReason>()
  readonly #arrivals: TokenBuckets
  readonly #told = { rest: refusalBuckets(), health: refusalBuckets(), handshake: refusalBuckets() }
  /** Connections with requests that are not answered. */
  readonly #unanswered = new Map<Duplex, Unanswered>()
  /** Connections that have asked for an upgrade, and when. */
  readonly #upgrades = new Map<Duplex, number>()
  #isWatching = false
  #complainedAt = -Infinity

  constructor (options: HttpGateOptions, host: HttpGateHost) {
    this.#options = options
    this.#host = host
    const { connectRate } = options
    this.#arrivals = new TokenBuckets(new TokenRate(2 * connectRate / 60 + spareConnections.perSecond, 2 * connectRate + spareConnections.burst))
  }

  /** Open connections, those that are past a limit left out. */
  get connections (): number {
    return this.#connections
  }

  /** Where upgrades go on to. */
  get upgrades (): EventEmitter {
    return this.#options.upgrades
  }

  /** Guards a server from now on. What asks for an upgrade is handed to `redirect` before it goes on. */
  guard (server: Server, redirect: (request: IncomingMessage) => void = () => {}): void {
    server.maxConnections = this.#options.maxConnections + reserve
    server.maxRequestsPerSocket = maxRequestsPerSocket
    server.on('connection', this.#onConnection)
    server.on('drop', (from?: DropArgument) => this.#host.refused('max_clients', { address: from?.remoteAddress }))
    server.on('dropRequest', (_request: IncomingMessage, socket: Socket) => this.#cut(socket, 'pipelining'))
    server.on('checkExpectation', this.within((_request, response) => answer(response, 417)))
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (request.headers.upgrade?.toLowerCase() !== 'websocket') return this.#answerPlainly(request, socket, server)
      redirect(request)
      this.#onUpgrade(request, socket, head)
    })
    server.on('error', (error) => { if (server.listening) this.#onError(error) })
  }

  /** Requests reach the listener within the bounds of their connection only. */
  within (listener: RequestListener): RequestListener {
    return (request, response) => { if (this.#admit(request, response)) listener(request, response) }
  }

  /** Whether a request came in a connection past a limit, and which limit that is. */
  excessOf ({ socket }: IncomingMessage): RefusalReason | undefined {
    return this.#excess.size === 0 ? undefined : this.#excess.get(keyOf(socket))
  }

  /** A request that is over its rate is about to be told so. */
  noteRateRefusal ({ socket }: IncomingMessage, kind: 'rest' | 'health' | 'handshake'): void {
    const address = socket.remoteAddress ?? ''
    if (!this.#isProxy(address)) this.#told[kind].take(networkOf(address), performance.now())
  }

  /** Whether the connection of a request is to be closed behind a refusal: that of a proxy may be another client's next. */
  mayClose ({ socket }: IncomingMessage): boolean {
    return !this.#isProxy(socket.remoteAddress ?? '')
  }

  /** Gives an upgrade its time; it is over when it `becameWebSocket`, or its socket has ended. */
  awaitUpgrade (socket: Duplex): void {
    this.#upgrades.set(socket, performance.now())
    this.#watch()
  }

  becameWebSocket (socket: Duplex): void {
    this.#upgrades.delete(socket)
  }

  /** Ends what asked for an upgrade and is none. */
  close (): void {
    for (const socket of this.#upgrades.keys()) socket.destroy()
    this.#upgrades.clear()
    this.#unanswered.clear()
  }

  /** What is no request, or does not come to an end, as Node tells it. */
  readonly onClientError = (error: NodeJS.ErrnoException, socket: Duplex): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) {
      socket.destroy()
      return
    }
    const status = statusOf(error)
    this.#host.refused(status === 408 ? 'timeout' : 'bad_request', { address: (socket as Socket).remoteAddress })
    // In the middle of another answer it would be taken for a part of that.
    if (socket.writable && !this.#unanswered.has(socket)) socket.write(answerOf(status))
    socket.destroy()
  }

  readonly #onConnection = (socket: Socket): void => {
    const { remoteAddress: address } = socket
    const { maxConnections, maxConnectionsPerAddress } = this.#options
    // Those of a proxy are its clients', who are told apart later.
    const network = address === undefined || this.#isProxy(address) ? undefined : networkOf(address)
    if (network !== undefined && !this.#arrivals.take(network, performance.now())) {
      this.#host.refused('connect_rate', { address })
      socket.destroy()
      return
    }
    const isCounted = network !== undefined && maxConnectionsPerAddress !== Infinity
    const ofNetwork = isCounted ? this.#byNetwork.get(network) ?? 0 : 0
    const reason = this.#connections >= maxConnections ? 'max_clients' : ofNetwork >= maxConnectionsPerAddress ? 'max_clients_per_address' : undefined
    if (reason !== undefined) return this.#takeExcess(socket, reason)
    this.#connections++
    if (isCounted) this.#byNetwork.set(network, ofNetwork + 1)
    socket.on('close', isCounted ? this.#onCountedClose : this.#onClose)
  }

  #takeExcess (socket: Socket, reason: RefusalReason): void {
    if (this.#excess.size >= reserve) {
      this.#host.refused(reason, { address: socket.remoteAddress })
      socket.destroy()
      return
    }
    const key = keyOf(socket)
    this.#excess.set(key, reason)
    socket.on('close', () => this.#excess.delete(key))
  }

  /** So is whoever has no address: it came by a socket in the file system, or has gone. */
  #isProxy (address: string): boolean {
    return address === '' || this.#options.isProxy(address)
  }

  readonly #onClose = (): void => {
    this.#connections--
  }

  readonly #onCountedClose = this.#closer()

  /** One function for all sockets. */
  #closer (): (this: Socket) => void {
    const gate = this
    return function onClose () {
      gate.#connections--
      const network = networkOf(this.remoteAddress ?? '')
      const count = (gate.#byNetwork.get(network) ?? 1) - 1
      if (count === 0) gate.#byNetwork.delete(network)
      else gate.#byNetwork.set(network, count)
    }
  }

  #admit (request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request
    if (socket.destroyed) return false
    const address = socket.remoteAddress ?? ''
    const isProxy = this.#isProxy(address)
    const now = performance.now()
    const { [isHealthCheck(request) ? 'health' : 'rest']: told } = this.#told
    if (!isProxy && told.isEmpty(networkOf(address), now)) return this.#cut(socket, 'connect_rate')
    const unanswered = this.#unanswered.get(socket)
    if (unanswered === undefined) {
      this.#unanswered.set(socket, { requests: 1, since: now })
      this.#watch()
    } else {
      if (unanswered.requests >= maxPipelined || socket.writableLength > maxUnread) return this.#cut(socket, 'pipelining')
      unanswered.requests++
    }
    response.on('close', this.#onAnswered)
    if (isProxy) response.on('finish', this.#keepOpen)
    if (request.headers.host === undefined && request.httpVersion === '1.1') {
      answer(response, 400)
      return false
    }
    return true
  }

  readonly #onAnswered = this.#answered()

  #answered (): (this: ServerResponse) => void {
    const gate = this
    return function onAnswered () {
      const { socket } = this.req
      const unanswered = gate.#unanswered.get(socket)
      if (unanswered === undefined) return
      unanswered.since = performance.now()
      if (--unanswered.requests === 0) gate.#unanswered.delete(socket)
    }
  }

  readonly #keepOpen = this.#keeper()

  /** Behind Node's own listener, which has set the time of everybody else. */
  #keeper (): (this: ServerResponse) => void {
    const gate = this
    return function keepOpen () { this.req.socket.setTimeout(gate.#options.timeouts.proxyIdleTimeout) }
  }

  #onUpgrade (request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const address = request.socket.remoteAddress ?? ''
    if (!this.#isProxy(address) && this.#told.handshake.isEmpty(networkOf(address), performance.now())) {
      this.#host.refused('connect_rate', { address })
      socket.destroy()
      return
    }
    this.awaitUpgrade(socket)
    if (this.upgrades.emit('upgrade', request, socket, head)) return
    this.#host.refused('draining', { address })
    socket.on('error', destroy).on('finish', destroy).end(answerOf(503))
  }

  /** What asks for another protocol than ours is answered in its own; Java and curl offer HTTP/2 with every request. */
  #answerPlainly (request: IncomingMessage, socket: Duplex, server: Server): void {
    const response = new ServerResponse(request)
    socket.on('error', destroy)
    this.awaitUpgrade(socket)
    // As Node's own socket is, which is the type.
    response.assignSocket(socket as Socket)
    response.shouldKeepAlive = false
    response.on('finish', () => { (socket as Socket).destroySoon() })
    server.emit('request', request, response)
  }

  /** Ends a connection at once, and what is left of it in what was read. */
  #cut (socket: Socket, reason: RefusalReason): false {
    if (socket.destroyed) return false
    this.#host.refused(reason, { address: socket.remoteAddress })
    // Node goes on through all that one read brought, 64 KiB of requests, each for nothing. It stops where one is an upgrade.
    const { parser } = socket as Socket & { parser?: { onIncoming: () => number } | null }
    if (parser !== undefined && parser !== null) parser.onIncoming = () => 2
    socket.destroy()
    this.#unanswered.delete(socket)
    return false
  }

  #watch (): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#host.timers.schedule(lookMs, this.#look)
  }

  readonly #look = (): void => {
    this.#isWatching = false
    const now = performance.now()
    const { upgradeTimeout, answerTimeout } = this.#options.timeouts
    for (const [socket, since] of this.#upgrades) {
      if (!socket.destroyed && now - since < upgradeTimeout) continue
      this.#upgrades.delete(socket)
      if (!socket.destroyed) this.#late(socket)
    }
    for (const [socket, { since }] of this.#unanswered) {
      if (!socket.destroyed && now - since < answerTimeout) continue
      this.#unanswered.delete(socket)
      if (!socket.destroyed) this.#late(socket)
    }
    for (const buckets of [this.#arrivals, ...Object.values(this.#told)]) buckets.sweep(now)
    if (this.#upgrades.size > 0 || this.#unanswered.size > 0) this.#watch()
  }

  #late (socket: Duplex): void {
    this.#host.refused('timeout', { address: (socket as Socket).remoteAddress })
    socket.destroy()
  }

  /** Of a server that listens it is mostly that no more files can be opened: no connection is taken until one has ended. */
  #onError (error: Error): void {
    this.#host.refused('pressure', {})
    const now = performance.now()
    if (now - this.#complainedAt < complaintMs) return
    this.#complainedAt = now
    this.#host.log.error({ reason: error.message }, 'connections cannot be accepted')
  }
}

const refusalBuckets = (): TokenBuckets => new TokenBuckets(new TokenRate(refusalsTold.perSecond, refusalsTold.burst))

/** Neighbours behind one address must not keep a load balancer there from an answer. */
const isHealthCheck = ({ url = '' }: IncomingMessage): boolean => url.endsWith('/health') || url.endsWith('/ready')

function destroy (this: Duplex): void {
  this.destroy()
}

/** Tells a connection from all others that are open, also where TLS has put another socket in front of it. */
function keyOf ({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`
}

function statusOf ({ code }: NodeJS.ErrnoException): number {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW' ? 413 : 400
}

const bodyOf = (status: number): string => JSON.stringify({ error: STATUS_CODES[status]?.toLowerCase() })

const headersOf = (body: string): Record<string, string> => ({
  connection: 'close', 'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'content-length': String(body.length)
})

function answer (response: ServerResponse, status: number): void {
  const body = bodyOf(status)
  response.writeHead(status, headersOf(body)).end(body)
}

/** An answer where there is no response to write it: without its request nobody knows more. */
export function answerOf (status: number, others: Readonly<Record<string, string>> = {}): string {
  const body = bodyOf(status)
  const headers = Object.entries({ ...headersOf(body), ...others }).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}\r\n${body}`
}
