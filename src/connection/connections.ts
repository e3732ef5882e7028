import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { Identity, Permit } from '../auth/permit.js'
import type { Connection, DropReason } from '../dialect/connection.js'
import type { DialectSource, Handshake } from '../dialect/dialect.js'
import { payloadOf } from '../frame/bytes.js'
import { type CloseCode, closeCodes, closeReasons, isKnown, unauthorized } from '../frame/close-codes.js'
import { FrameBudget } from '../limits/frame-budget.js'
import { LargeFrames } from '../limits/large-frames.js'
import { clipAddress, networkOf } from '../net/address.js'
import type { Audit, AuditEvent, AuditRecord, RefusalReason } from '../telemetry/audit.js'
import { LabelCounter } from '../telemetry/counter.js'
import { Histogram } from '../telemetry/histogram.js'
import type { Log } from '../telemetry/log.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { Timers } from '../timing/timers.js'
import { limitAfterClose } from './close-grace.js'
import { ClientConnection } from './connection.js'
import { ClientEvents, type EndRecord } from './events.js'
import type { ConnectionHost, ConnectionLimits } from './host.js'
import { WriteBatch } from './write-batch.js'

/** How long a client may take to answer a close before its socket is cut. In ms. */
export const closeTimeoutMs = 3_000

/** How often the drain looks whom to close next. In ms. */
const drainStepMs = 50
/** Of what other nodes can let in, so much is for the clients of a node that drains: the rest is for those that come anyway. */
const shareForDrain = 0.5

/** Seconds: from the 50 µs of a relay to a delay that somebody notices. */
const handlingBounds = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

/** The audit trail's name for a close with this code. */
function closeEvent (code: number): AuditEvent {
  if (code === closeCodes.replaced) return 'takeover'
  if (code === closeCodes.goingAway) return 'drained'
  return code === closeCodes.normal || !isKnown(code) ? 'ended' : 'kicked'
}

/** Codes of clients that are counted by themselves: those that the protocol lets a client send or see. */
const codesOfClients: ReadonlySet<number> = new Set([1000, 1001, 1002, 1005, 1006, 1007, 1009, 1011])

export interface ConnectionsOptions extends ConnectionLimits {
  readonly maxClients: number
  /** Of one address, or of one /64 network. */
  readonly maxClientsPerAddress: number
}

/** What the connections of a process need of it. */
export interface ConnectionServices extends Pick<ConnectionHost, 'timers' | 'log' | 'audit' | 'leave' | 'verify'> {}

/** A client that asks to be let in. */
export interface Newcomer {
  /** As the proxies we trust report it. */
  readonly address: string
  readonly handshake: Handshake
  /** Undefined for a client that has no right to be here. */
  readonly permit: Permit | undefined
  /** The limit of its listener that it exceeds already, if any. */
  readonly excess?: RefusalReason | undefined
}

/** All open connections of one process: how many there may be, and how they end when it does. */
export class Connections implements ConnectionHost {
  readonly limits: ConnectionsOptions
  readonly timers: Timers
  readonly log: Log
  readonly audit: Audit
  readonly events: ClientEvents
  readonly leave: ConnectionServices['leave']
  readonly largeFrames = new LargeFrames()
  readonly frameBudget: FrameBudget
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
  /** How many clients a second the other nodes can let in. Absent, or undefined, when there are none, or nobody knows. */
  capacityElsewhere?: () => Promise<number | undefined>
  #accepted = 0
  /** In the order of their numbers. */
  readonly #open = new Set<ClientConnection>()
  /** How many of each network; empty where they are not bounded. */
  readonly #byNetwork = new Map<string, number>()
  #batch: WriteBatch | undefined
  #isDraining = false

  constructor (limits: ConnectionsOptions, { timers, log, audit, leave, verify }: ConnectionServices) {
    this.limits = limits
    if (verify !== undefined) this.verify = verify
    this.timers = timers
    this.log = log
    this.audit = audit
    this.events = new ClientEvents((error) => log.error({ err: error }, 'a listener of events failed'))
    this.leave = leave
    this.frameBudget = new FrameBudget(timers)
  }

  [Symbol.iterator] (): IterableIterator<ClientConnection> {
    return this.#open.values()
  }

  get size (): number {
    return this.#open.size
  }

  /** How many have been accepted since the start. */
  get accepted (): number {
    return this.#accepted
  }

  /** True from `drain` on: nothing new is let in. */
  get isDraining (): boolean {
    return this.#isDraining
  }

  /**
   * Takes a socket that has just been upgraded. It is closed at once with 1013 when it exceeds `maxClients` or
   * `maxClientsPerAddress`, with 1001 during the drain, with 1008 without a permit.
   */
  accept (socket: WebSocket, source: DialectSource, { address: claimed, handshake, permit, excess }: Newcomer): void {
    const address = clipAddress(claimed)
    const reject = (why: RefusalReason, code: CloseCode, reason = closeReasons[code]): void => {
      this.refused(why, { address, subject: permit?.subject, ...('name' in source && { dialect: source.name }) })
      this.counters.closed.inc(String(code))
      socket.close(code, reason)
      limitAfterClose(socket, this.timers)
    }
    // A handshake let in just before the drain ends here.
    if (this.#isDraining) return reject('draining', closeCodes.goingAway)
    if (excess !== undefined) return reject(excess, closeCodes.tryAgainLater)
    if (this.#open.size >= this.limits.maxClients) return reject('max_clients', closeCodes.tryAgainLater)
    if (this.#isCrowded(address)) return reject('max_clients_per_address', closeCodes.tryAgainLater)
    if (permit === undefined) {
      if ('unauthorized' in source && source.unauthorized !== undefined) socket.send(payloadOf(source.unauthorized))
      return reject('unauthorized', closeCodes.policy, unauthorized)
    }
    const connection = new ClientConnection(this, socket, source, { number: ++this.#accepted, address, handshake, permit })
    this.#open.add(connection)
    this.#count(address, 1)
  }

  batch = (): WriteBatch => {
    if (this.#batch === undefined) {
      this.#batch = new WriteBatch()
      setImmediate(this.#endBatch)
    }
    return this.#batch
  }

  readonly #endBatch = (): void => {
    const batch = this.#batch
    this.#batch = undefined
    batch?.end()
  }

  onEnd = (connection: Connection): void => {
    const open: Set<Connection> = this.#open
    if (open.delete(connection)) this.#count(connection.address, -1)
  }

  onClose = (end: EndRecord, event = closeEvent(end.code)): void => {
    this.counters.closed.inc(String(end.code))
    this.audit.info({ event, ...end })
    this.events.closed(end)
  }

  onLeave = (end: EndRecord): void => {
    this.counters.left.inc(codesOfClients.has(end.code) ? String(end.code) : 'other')
    this.audit.info({ event: 'leave', ...end })
    this.events.closed(end)
  }

  /** Counts and records a refusal: a client was not let in, or may not do what it asked. */
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
   * Lets nobody in any more and closes everybody with 1001, spread evenly so that they do not all reconnect at once elsewhere: over the
   * time that the other nodes need to take them, if that is known, and over `mostMs` at most. Done when every socket has ended; one that
   * does not answer is cut. `by` is the subject of the administrator who asked for it.
   */
  async drain (mostMs: number, by?: string): Promise<void> {
    this.#isDraining = true
    const ms = mostMs === 0 ? 0 : await this.#drainMs(mostMs)
    const connections = [...this.#open]
    const startedAt = this.timers.now()
    let closed = 0
    while (closed < connections.length && this.#open.size > 0) {
      const share = ms === 0 ? 1 : (this.timers.now() - startedAt + drainStepMs) / ms
      const due = Math.min(connections.length, Math.ceil(connections.length * share))
      for (; closed < due; closed++) connections[closed]?.goAway(by)
      if (closed < connections.length) await delay(drainStepMs)
    }
    const deadline = this.timers.now() + closeTimeoutMs
    while (this.#open.size > 0 && this.timers.now() < deadline) await delay(drainStepMs)
    for (const connection of this.#open) connection.socket.terminate()
  }

  /** How long the drain of the clients that there are should take. */
  async #drainMs (mostMs: number): Promise<number> {
    let perSecond: number | undefined
    try {
      perSecond = await this.capacityElsewhere?.()
    } catch (error) {
      this.log.error({ err: error }, 'asking the other nodes')
    }
    if (perSecond === undefined) return mostMs
    const { size: clients } = this
    const ms = Math.ceil(clients / (perSecond * shareForDrain) * 1000)
    if (ms > mostMs) {
      this.log.warn({ clients, perSecond, ms }, 'the other nodes need longer than DRAIN_MS for the clients')
    }
    return Math.min(ms, mostMs)
  }
}
