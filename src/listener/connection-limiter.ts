import type { Socket } from 'node:net'
import { TokenRate } from '../limits/token-bucket.js'
import { TokenBuckets } from '../limits/token-buckets.js'
import { networkOf } from '../net/address.js'
import type { RefusalReason } from '../telemetry/audit.js'
import { acceptedSocket } from './peer-address.js'

/** Connections past a limit that are still served, to tell their clients why they are refused. */
export const reserve = 32
/** New connections of an address beside those that `CONNECT_RATE` allows, for health checks and the like. */
const spareConnections = { burst: 200, perSecond: 50 }

export interface ConnectionLimits {
  /** Open connections, in all and of one address. */
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Handshakes a minute and address, and as many REST calls. */
  readonly connectRate: number
  /** Whether a peer is a trusted proxy. Its connections are its clients', so no limit of one address applies. */
  readonly isProxy: (address: string) => boolean
}

/** Counts open TCP connections, in all and by address, and how fast each address opens new ones. */
export class ConnectionLimiter {
  readonly #limits: ConnectionLimits
  readonly #arrivals: TokenBuckets
  #size = 0
  /** Connections by network. Empty when they have no limit. */
  readonly #byNetwork = new Map<string, number>()
  /** Connections past a limit that are still served, each with its limit. */
  readonly #excess = new Map<Socket, RefusalReason>()

  constructor (limits: ConnectionLimits) {
    this.#limits = limits
    const handshakesAndCalls = 2 * limits.connectRate
    const perSecond = handshakesAndCalls / 60 + spareConnections.perSecond
    this.#arrivals = new TokenBuckets(new TokenRate(perSecond, handshakesAndCalls + spareConnections.burst))
  }

  /** Open connections within the limits. */
  get size (): number {
    return this.#size
  }

  /** Counts a new connection until it closes. Returns why it must be destroyed at once, or undefined. */
  admit (socket: Socket, now: number): RefusalReason | undefined {
    const { remoteAddress: address } = socket
    const { maxConnections, maxConnectionsPerAddress, isProxy } = this.#limits
    const network = address === undefined || isProxy(address) ? undefined : networkOf(address)
    if (network !== undefined && !this.#arrivals.take(network, now)) return 'connect_rate'
    const isCounted = network !== undefined && maxConnectionsPerAddress !== Infinity
    const ofNetwork = isCounted ? this.#byNetwork.get(network) ?? 0 : 0
    if (this.#size >= maxConnections) return this.#admitExcess(socket, 'max_clients')
    if (ofNetwork >= maxConnectionsPerAddress) return this.#admitExcess(socket, 'max_clients_per_address')
    this.#size++
    if (isCounted) this.#byNetwork.set(network, ofNetwork + 1)
    socket.on('close', isCounted ? this.#onCountedClose : this.#onClose)
  }

  /** The limit that a connection is past, if any. */
  excessOf (socket: Socket): RefusalReason | undefined {
    return this.#excess.size === 0 ? undefined : this.#excess.get(acceptedSocket(socket))
  }

  /** Forgets the addresses that have opened no connection for a while. */
  sweep (now: number): void {
    this.#arrivals.sweep(now)
  }

  #admitExcess (socket: Socket, reason: RefusalReason): RefusalReason | undefined {
    if (this.#excess.size >= reserve) return reason
    this.#excess.set(socket, reason)
    socket.on('close', () => this.#excess.delete(socket))
  }

  readonly #onClose = (): void => {
    this.#size--
  }

  readonly #onCountedClose = this.#countedCloseListener()

  /** One function for all sockets. */
  #countedCloseListener (): (this: Socket) => void {
    const limiter = this
    return function onCountedClose () {
      limiter.#size--
      const network = networkOf(this.remoteAddress ?? '')
      const count = (limiter.#byNetwork.get(network) ?? 1) - 1
      if (count === 0) limiter.#byNetwork.delete(network)
      else limiter.#byNetwork.set(network, count)
    }
  }
}
