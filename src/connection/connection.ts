import type { WebSocket } from 'ws'
import type { Permit } from '../auth/permit.js'
import type { Connection, DropReason } from '../dialect/connection.js'
import type { CompiledDialect, CompiledFrame, DialectSource, ErrorKind, Liveness } from '../dialect/dialect.js'
import type { FrameLike } from '../frame/bytes.js'
import {
  abnormalCode, checkClose, closeCodes, isUnmeant, notAllowed, quote, reasonOf, unauthorized, unknownDialect
} from '../frame/close-codes.js'
import { countMembers, type JsonObject, objectOf, parse, type Received } from '../frame/parse.js'
import { networkOf } from '../net/address.js'
import type { Member, Sender } from '../state/contract.js'
import type { AuditEvent, RefusalReason } from '../telemetry/audit.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { ConnectionHost, ConnectionOptions } from './host.js'
import { leaveAll } from './leaving.js'
import { LivenessCheck } from './liveness.js'
import { Handshaking, openDialect } from './opening.js'
import { Outbox } from './outbox.js'
import { OwnTimers } from './own-timers.js'
import { type FrameHandler, SocketReader } from './reader.js'
import { awaitsToken, ExpiryCheck, firstTokenMs, firstPermit, renew, renewed } from './token-renewal.js'

const none: readonly never[] = []

/**
 * `choosing`: the first frame has not chosen a dialect yet. `chosen`: the dialect is known but has not been opened, because the
 * client's token does not allow it. `open`: it has been opened. `closed`: nothing is handled any more.
 */
type Phase = 'choosing' | 'chosen' | 'open' | 'closed'

/** One socket in one dialect: checks and dispatches its frames, keeps it alive, and bounds what may wait for it. */
export class ClientConnection implements Connection, FrameHandler {
  readonly address: string
  readonly number: number
  readonly host: ConnectionHost
  readonly #reader: SocketReader
  readonly #outbox: Outbox
  readonly #liveness: LivenessCheck
  /** Until the dialect is opened. */
  #handshaking: Handshaking | undefined
  #phase: Phase = 'choosing'
  #dialect: CompiledDialect | undefined
  /** What `open` of the dialect made. */
  #peer: unknown
  #may: Permit
  readonly #expiry: ExpiryCheck
  /** Undefined until its dialect sets one. */
  #ownTimers: OwnTimers | undefined
  readonly #openedAt: number
  #members: readonly Member[] = none
  #hasRegistered = false
  /** Nobody meant its end. While it is open: its client is being sent elsewhere. */
  #mayReturn = false

  constructor (host: ConnectionHost, socket: WebSocket, source: DialectSource, { number, address, handshake, permit }: ConnectionOptions) {
    this.host = host
    this.number = number
    this.address = address
    this.#may = permit
    this.#outbox = new Outbox(this, socket)
    this.#reader = new SocketReader(this)
    this.#liveness = new LivenessCheck(this, this.#reader, this.#outbox)
    this.#expiry = new ExpiryCheck(this, host.timers)
    this.#openedAt = this.#reader.heardAt
    this.#handshaking = new Handshaking(handshake, source)
    const dialect = 'name' in source ? source.name : undefined
    host.audit.info({ event: 'connect', ...this.#who(), ...(dialect !== undefined && { dialect }) })
    host.events.connected(this, dialect)
    this.#expiry.schedule()
    if (this.isClosed) return
    if ('name' in source) this.#adopt(source)
    this.#liveness.schedule()
  }

  get may (): Permit {
    return this.#may
  }

  /** The name of its dialect; undefined until its first frame has chosen one. */
  get dialect (): string | undefined {
    return this.#dialect?.name
  }

  get members (): readonly Member[] {
    return this.#members
  }

  /** When it was accepted, in ms since the epoch. */
  get openedAt (): number {
    return this.host.timers.timeOfDayAt(this.#openedAt)
  }

  /** When a frame or a pong came last, in ms since the epoch. */
  get seenAt (): number {
    return this.host.timers.timeOfDayAt(this.#reader.heardAt)
  }

  /** Frames that came. */
  get received (): number {
    return this.#reader.received
  }

  /** Frames that were handed to its socket. */
  get sent (): number {
    return this.#outbox.sent
  }

  /** Bytes that wait for its client to read them. */
  get bufferedBytes (): number {
    return this.#outbox.bufferedBytes
  }

  get socket (): WebSocket {
    return this.#outbox.socket
  }

  get network (): string {
    return networkOf(this.address)
  }

  get isClosed (): boolean {
    return this.#phase === 'closed'
  }

  get isClosing (): boolean {
    return this.isClosed || this.#outbox.isClosing
  }

  get isBehind (): boolean {
    return this.#outbox.isBehind
  }

  /** What its dialect asks of it, once that is known. */
  get liveness (): Liveness | undefined {
    return this.#dialect?.liveness
  }

  deliver (frame: FrameLike, isForMany = false, from?: Sender): boolean {
    return this.#outbox.deliver(frame, isForMany, from)
  }

  deliverList (room: string, list: FrameLike, isOutdated: () => boolean): boolean {
    return this.#outbox.deliverList(room, list, isOutdated)
  }

  isThere (): MaybePromise<boolean> {
    return this.#liveness.isThere()
  }

  drop (why: DropReason): false {
    return this.#outbox.drop(why)
  }

  onJoin (member: Member, leaving: Member | undefined): void {
    (this.#dialect as CompiledDialect).traffic.registrations++
    const others = this.#members.filter((other) => other !== leaving && (other.room !== member.room || other.id !== member.id))
    const record = { event: 'register' as const, ...this.#who(), room: member.room, id: member.id }
    // The first one comes with a handshake, which has a rate.
    this.host.audit[this.#hasRegistered ? 'often' : 'info'](record)
    this.#hasRegistered = true
    this.#keep([...others, member])
  }

  onLeave (member: Member): void {
    // What its client still sends is the member's.
    if (!this.#mayReturn || this.isClosed) this.#keep(this.#members.filter((other) => other !== member))
  }

  #keep (members: readonly Member[]): void {
    const before = this.#members
    this.#members = members.length === 0 ? none : members
    this.host.events.moved(this, before, members)
  }

  refuse (sentence: string, details?: string): void {
    this.#reject('refused', sentence, sentence, details)
  }

  deny (details?: string): void {
    if (this.#dialect?.unauthorized !== undefined) return this.#expel('not_allowed')
    this.noteRefusal('not_allowed')
    this.refuse(notAllowed, details)
  }

  noteRefusal (reason: RefusalReason, id = this.#members[0]?.id): void {
    this.host.refused(reason, { ...this.#who(), id })
  }

  /**
   * Sends an error, if there is a sentence, and counts it under a name that holds nothing of what the client sent. Ends the connection
   * where the dialect has it so.
   */
  #reject (kind: ErrorKind, sentence: string | undefined, name = sentence, details?: string): void {
    if (this.#dialect === undefined || sentence === undefined || name === undefined) return
    const { traffic, errors, closes } = this.#dialect
    traffic.errors.inc(name)
    const frame = errors.frame(sentence, details === undefined ? undefined : quote(details))
    const code = closes.get(kind)
    if (code === undefined) this.deliver(frame)
    else this.end(frame, code)
  }

  #expel (why: RefusalReason): void {
    this.noteRefusal(why)
    if (this.#dialect?.unauthorized !== undefined) this.deliver(this.#dialect.unauthorized)
    this.close(closeCodes.policy, unauthorized)
  }

  #who (): { dialect: string | undefined, id: string | undefined, subject: string | undefined, address: string } {
    return { dialect: this.#dialect?.name, id: this.#members[0]?.id, subject: this.#may.subject, address: this.address }
  }

  charge (bytes: number, receivers = 1): void {
    this.#reader.chargeCaused(bytes, receivers)
  }

  count (event: string): void {
    // Only its dialect, which is known by then, has the connection to call this.
    (this.#dialect as CompiledDialect).count(event)
  }

  after (ms: number, run: () => MaybePromise<unknown>): () => void {
    return this.#timers.after(ms, run)
  }

  every (ms: number, run: () => MaybePromise<unknown>): () => void {
    return this.#timers.every(ms, run)
  }

  get #timers (): OwnTimers {
    this.#ownTimers ??= new OwnTimers(this)
    return this.#ownTimers
  }

  process (bytes: Buffer): void {
    const memberCount = countMembers(bytes)
    const value = parse(bytes, memberCount)
    const object = objectOf(value)
    const { verify } = this.host
    if (object?.type === 'auth' && verify !== undefined) return this.#take(renew(object, this.#may, verify), () => this.deliver(renewed))
    const dialect = this.#dialect ?? this.#choose(object, bytes)
    if (dialect === undefined || this.isClosed) return
    if (awaitsToken(dialect, this.#may, this.host)) {
      const again = () => this.#reader.isBlocked ? this.#reader.putBack(bytes) : this.process(bytes)
      return this.#take(firstPermit(dialect, object, this.#may, verify), again)
    }
    if (!this.#may.useDialect(dialect.name)) return this.deny()
    if (this.#phase === 'chosen') this.#open(dialect)
    if (this.isClosed) return
    if (this.#reader.isBlocked) return this.#reader.putBack(bytes)
    const { errors, frames, typeOf } = dialect
    const frame = typeOf === undefined ? object : value
    if (frame === undefined) return this.#reject('notJson', errors.notJson)
    let type: unknown
    try {
      type = typeOf === undefined ? (object as JsonObject).type : typeOf(frame)
      const known = typeof type === 'string' ? frames.get(type) : undefined
      if (known === undefined) return this.#reject('unknownType', errors.unknownType(type), 'unknown type')
      if (!known.fits(frame)) return this.#reject('malformed', errors.malformed(type as string))
      known.received++
      this.#handle(known, type, frame, { bytes, memberCount })
    } catch (error) {
      this.#fail(error, type)
    }
  }

  #handle (known: CompiledFrame, type: unknown, frame: unknown, received: Received): void {
    const startedAt = this.#reader.frameAt
    const result = known.handle(this.#peer, frame, received)
    if (result instanceof Promise) this.#waitFor(result.then(() => this.#handled(startedAt)), 'handler', type)
    else this.#handled(startedAt)
  }

  #handled (startedAt: number): void {
    this.host.counters.handling.observe((this.host.timers.now() - startedAt) / 1000)
  }

  #waitFor (promise: Promise<void>, obstacle: 'handler' | 'renewal', type: unknown): void {
    this.#reader.waitFor(promise.catch((error: unknown) => this.#fail(error, type)), obstacle)
  }

  #fail (error: unknown, type: unknown): void {
    this.host.log.error({ err: error, dialect: this.#dialect?.name, type: quote(type) }, 'handler failed')
    if (this.#dialect !== undefined) this.#reject('internal', this.#dialect.errors.internal)
  }

  #choose (frame: JsonObject | undefined, bytes: Buffer): CompiledDialect | undefined {
    const handshaking = this.#handshaking as Handshaking
    const dialect = handshaking.choose(frame, bytes)
    if (dialect === undefined) {
      this.deliver(handshaking.answer)
      if (handshaking.hasFailed) this.close(closeCodes.policy, unknownDialect)
    } else {
      this.#adopt(dialect)
      this.#liveness.schedule()
    }
    return dialect
  }

  #adopt (dialect: CompiledDialect): void {
    this.#dialect = dialect
    this.#outbox.counter = dialect.traffic.sent
    this.#phase = 'chosen'
    if (awaitsToken(dialect, this.#may, this.host)) this.after(firstTokenMs, () => this.#may.subject ?? this.#expel('unauthorized'))
    else if (this.#may.useDialect(dialect.name)) this.#open(dialect)
    else if (dialect.unauthorized !== undefined) this.#expel('not_allowed')
  }

  #open (dialect: CompiledDialect): void {
    const { handshake } = this.#handshaking as Handshaking
    this.#handshaking = undefined
    this.#phase = 'open'
    const opening = openDialect(dialect, this, handshake, {
      opened: (peer) => { this.#peer = peer },
      failed: (error) => this.#fail(error, undefined)
    })
    if (opening !== undefined) this.#reader.waitFor(opening, 'handler')
  }

  /** What a token permits takes the place of what the one before did. */
  #take (permit: MaybePromise<Permit | undefined>, then: () => void): void {
    const take = (permit: Permit | undefined): void => {
      // Meanwhile the old token may have expired, or the client gone.
      if (this.isClosed) return
      if (permit === undefined) return this.#expel('unauthorized')
      this.#may = permit
      this.#expiry.schedule()
      then()
    }
    if (permit instanceof Promise) this.#waitFor(permit.then(take), 'renewal', 'auth')
    else take(permit)
  }

  close (code: number, reason = reasonOf(code), by?: string): void {
    checkClose(code, reason)
    this.#close(code, reason, { by })
  }

  end (frame: FrameLike, code: number, reason = ''): void {
    checkClose(code, reason)
    this.deliver(frame)
    this.#close(code, reason, { event: 'ended' })
  }

  #close (code: number, reason: string, { by, event }: { by?: string | undefined, event?: AuditEvent }): void {
    if (this.isClosed) return
    if (!this.#mayReturn) this.host.onClose({ ...this.#who(), code, reason, by }, event)
    this.#outbox.close(code, reason)
    this.#end(isUnmeant(code))
  }

  /**
   * Ends the connection since the process ends. Where its places are kept for it, nothing is lost: what others send waits there, and what
   * its client still sends is handled until the client has answered the close.
   */
  async goAway (by?: string): Promise<void> {
    const code = closeCodes.goingAway
    if (!this.#members.some(({ grace }) => grace !== undefined)) return this.close(code, undefined, by)
    if (this.isClosed || this.#mayReturn) return
    this.#mayReturn = true
    this.host.onClose({ ...this.#who(), code, reason: reasonOf(code), by })
    await this.#leave()
    if (!this.isClosing) this.#outbox.close(code, reasonOf(code))
  }

  onEnd (code: number): void {
    if (!this.isClosed) {
      if (!this.#mayReturn) this.host.onLeave({ ...this.#who(), code })
      this.#end(code === abnormalCode)
    }
    this.host.onEnd(this)
  }

  #end (mayReturn: boolean): void {
    this.#phase = 'closed'
    this.#mayReturn ||= mayReturn
    this.#reader.end()
    this.#outbox.end()
    this.#liveness.end()
    this.#expiry.end()
    this.#ownTimers?.end()
    // A handler at work may be about to register the peer: it leaves once that is done.
    if (!this.#reader.isHandling) this.onDone()
  }

  onDone (): void {
    const peer = this.#peer
    this.#peer = undefined
    if (this.#members.length > 0 || peer !== undefined) this.#leave(() => peer !== undefined && this.#dialect?.close?.(peer))
  }

  async #leave (last?: () => MaybePromise<unknown>): Promise<void> {
    const onError = (error: unknown) => this.host.log.error({ err: error, dialect: this.dialect }, 'leaving failed')
    await leaveAll(this.#members, { leave: this.host.leave, mayReturn: this.#mayReturn, onError, ...(last && { last }) })
  }
}
