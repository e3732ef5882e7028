import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { clipAddress, networkOf } from '../net/address.js'
import { limitAfterClose } from './close-grace.js'
import type { Audit, AuditRecord, RefusalReason } from '../telemetry/audit.js'
import type { Identity, Permit } from '../auth/permit.js'
import { ClientConnection } from './connection.js'
import type { ConnectionHost, ConnectionLimits } from './host.js'
import type { Connection, DropReason } from '../dialect/connection.js'
import type { Log } from '../telemetry/log.js'
import type { Handshake, DialectSource } from '../dialect/dialect.js'
import { type CloseCode, closeCodes, closeReasons, unauthorized } from '../frame/close-codes.js'
import { FrameBudget } from '../limits/frame-budget.js'
import { Histogram } from '../telemetry/histogram.js'
import { LargeFrames } from '../limits/large-frames.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import { LabelCounter } from '../telemetry/counter.js'
import type { Timers } from '../timing/timers.js'
import { WriteBatch } from './write-batch.js'
import { payloadOf } from '../frame/bytes.js'

/** How long a client may take to answer a close before its socket is cut. In ms. */
export const closeTimeoutMs = 3_000

const drainStepMs = 50

/** From 50 µs, which a relay takes, to what somebody notices. In s. */
const handlingBounds = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

export interface ConnectionsOptions extends ConnectionLimits {
  readonly maxClients: number
  /** Of one address, or /64 network. */
  readonly maxClientsPerAddress: number
}

/** What the connections of a process need of it. */
export interface ConnectionServices extends Pick<ConnectionHost, 'timers' | 'log' | 'audit' | 'verify'> {}

/** Who asks to be let in. */
export interface Newcomer {
  readonly address: string
  readonly handshake: Handshake
  readonly permit: Permit | undefined
  readonly excess?: RefusalReason | undefined
}

/** All open connections of one process: how many there may be, and how they end when it does. */
export class Connections implements ConnectionHost {
  readonly limits: ConnectionsOptions
  readonly timers: Timers
  readonly log: Log
  readonly audit: Audit
  readonly largeFrames = new LargeFrames()
  readonly frameBudget = new FrameBudget()
  readonly counters = {
    handling: new Histogram(handlingBounds),
    closed: new LabelCounter(),
    left: new LabelCounter(),
    dropped: new LabelCounter<DropReason>(),
    refused: new LabelCounter<RefusalReason>(),
    held: 0
  }

  /** Checks the token with which a client stays longer, beside the certificate that it came with; absent without a JWT key. */
  readonly verify?: (token: string, identity?: Identity) => MaybePromise<Permit | undefined>
  /** Names this node, for as long as it runs. */
  readonly node = randomBytes(4).toString('hex')
  #accepted = 0
  /** In the order of their numbers. */
  readonly #open = new Set<ClientConnection>()
  /** How many of each address; empty where they are not bounded. */
  readonly #byNetwork = new Map<string, number>()
  /** Its number is 0 until something is written in it. */
  #turn: WriteBatch | undefined
  #isDraining = false

  constructor (limits: ConnectionsOptions, { timers, log, audit, verify }: ConnectionServices) {
    this.limits = limits
    if (verify !== undefined) this.verify = verify
    this.timers = timers
    this.log = log
    this.audit = audit
  }

  [Symbol.iterator] (): IterableIterator<ClientConnection> {
    return this.#open.values()
  }

  get size (): number {
    return this.#open.size
  }

  /** True from `drain` on: nothing new is let in. */
  get isDraining (): boolean {
    return this.#isDraining
  }

  /**
   * Takes a socket that has just been upgraded. Past `maxClients`, or too many of one address, it is closed with 1013 at once,
   * during the drain with 1001, without a permit with 1008. `excess` tells that it is past a limit of its listeners already.
   */
  accept (socket: WebSocket, speaks: DialectSource, { address: claimed, handshake, permit, excess }: Newcomer): void {
    const address = clipAddress(claimed)
    const reject = (why: RefusalReason, code: CloseCode, reason = closeReasons[code]): void => {
      this.refused(why, { address, subject: permit?.subject, ...('name' in speaks && { dialect: speaks.name }) })
      this.onClose(code)
      socket.close(code, reason)
      limitAfterClose(socket)
    }
    // A handshake let in just before the drain ends here.
    if (this.#isDraining) return reject('draining', closeCodes.goingAway)
    if (excess !== undefined) return reject(excess, closeCodes.tryAgainLater)
    if (this.#open.size >= this.limits.maxClients) return reject('max_clients', closeCodes.tryAgainLater)
    if (this.#isCrowded(address)) return reject('max_clients_per_address', closeCodes.tryAgainLater)
    if (permit === undefined) {
      if ('unauthorized' in speaks && speaks.unauthorized !== undefined) socket.send(payloadOf(speaks.unauthorized))
      return reject('unauthorized', closeCodes.policy, unauthorized)
    }
    const connection = new ClientConnection(this, socket, speaks, { number: ++this.#accepted, address, handshake, permit })
    this.#open.add(connection)
    this.#count(address, 1)
  }

  batch = (): WriteBatch => {
    if (this.#turn === undefined) {
      this.#turn = new WriteBatch()
      setImmediate(this.#endTurn)
    }
    return this.#turn
  }

  readonly #endTurn = (): void => {
    const turn = this.#turn
    this.#turn = undefined
    turn?.end()
  }

  onEnd = (connection: Connection): void => {
    const open: Set<Connection> = this.#open
    if (open.delete(connection)) this.#count(connection.address, -1)
  }

  onClose = (code: CloseCode): void => {
    this.counters.closed.inc(String(code))
  }

  /** Counts and records that a client was not let in, or not let do what it asked. */
  refused = (reason: RefusalReason, who: Omit<AuditRecord, 'event' | 'reason'>): void => {
    this.counters.refused.inc(reason)
    this.audit.often({ event: 'refused', reason, ...who })
  }

  #isCrowded (address: string): boolean {
    const { maxClientsPerAddress } = this.limits
    return maxClientsPerAddress !== Infinity && (this.#byNetwork.get(networkOf(address)) ?? 0) >= maxClientsPerAddress
  }

  #count (address: string, change: 1 | -1): void {
    if (this.limits.maxClientsPerAddress === Infinity) return
    const network = networkOf(address)
    const count = (this.#byNetwork.get(network) ?? 0) + change
    if (count === 0) this.#byNetwork.delete(network)
    else this.#byNetwork.set(network, count)
  }

  /**
   * Lets nobody in any more and closes everybody with 1001, spread evenly over `ms` so that they do not all come back at
   * once elsewhere. Done when every socket has ended; one that does not answer is cut. `by` is the subject of who asked for it.
   */
  async drain (ms: number, by?: string): Promise<void> {
    this.#isDraining = true
    const connections = [...this.#open]
    const startedAt = performance.now()
    let closed = 0
    while (closed < connections.length && this.#open.size > 0) {
      const share = ms === 0 ? 1 : (performance.now() - startedAt + drainStepMs) / ms
      const due = Math.min(connections.length, Math.ceil(connections.length * share))
      for (; closed < due; closed++) connections[closed]?.close(closeCodes.goingAway, closeReasons[closeCodes.goingAway], by)
      if (closed < connections.length) await delay(drainStepMs)
    }
    const deadline = performance.now() + closeTimeoutMs
    while (this.#open.size > 0 && performance.now() < deadline) await delay(drainStepMs)
    for (const connection of this.#open) connection.terminate()
  }
}
