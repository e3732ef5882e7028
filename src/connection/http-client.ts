import type { Permit } from '../auth/permit.js'
import type { CallClient } from '../dialect/bridging.js'
import type { HttpDialect } from '../dialect/dialect.js'
import { type Frame, type FrameLike, frameOf } from '../frame/bytes.js'
import { closeCodes, reasonOf } from '../frame/close-codes.js'
import { clipAddress, networkOf } from '../net/address.js'
import type { Member } from '../state/contract.js'
import type { AuditEvent, RefusalReason } from '../telemetry/audit.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { ConnectionHost } from './host.js'
import { leaveAll } from './leaving.js'
import { OwnTimers } from './own-timers.js'
import { ExpiryCheck } from './token-renewal.js'

/** What an `HttpClient` needs of its process: `app.signalbox.connections` has it. */
export type HttpClientHost = Pick<ConnectionHost, 'timers' | 'log' | 'audit' | 'events' | 'leave' | 'refused'>

/** Who an `HttpClient` is, and what it is told. */
export interface HttpClientOptions {
  /** As `request.ip` has it. */
  readonly address: string
  readonly permit: Permit
  /** Takes a frame for the client. False where it does not: its sender is refused. */
  readonly deliver: (frame: Frame) => boolean
  /** Called once, when the client has ended and before it has left its rooms. */
  readonly ended: (code: number) => void
}

/**
 * A client without a socket, as one that asks over HTTP. It lasts until `close`, or until its token expires, and is the sink of its
 * memberships, which it leaves then.
 */
export class HttpClient implements CallClient {
  readonly host: HttpClientHost
  readonly address: string
  readonly may: Permit
  readonly #dialect: HttpDialect
  readonly #options: HttpClientOptions
  readonly #expiry: ExpiryCheck
  readonly #timers: OwnTimers
  #members: readonly Member[] = []
  #isClosed = false

  constructor (host: HttpClientHost, dialect: HttpDialect, options: HttpClientOptions) {
    this.host = host
    this.address = clipAddress(options.address)
    this.may = options.permit
    this.#dialect = dialect
    this.#options = options
    this.#timers = new OwnTimers(this)
    host.audit.info({ event: 'connect', ...this.#who() })
    host.events.connected(this, dialect.name)
    this.#expiry = new ExpiryCheck(this, host.timers)
    this.#expiry.schedule()
  }

  get dialect (): string {
    return this.#dialect.name
  }

  get network (): string {
    return networkOf(this.address)
  }

  get members (): readonly Member[] {
    return this.#members
  }

  get isClosed (): boolean {
    return this.#isClosed
  }

  get isClosing (): boolean {
    return this.#isClosed
  }

  /** It is there as long as it lasts. */
  get seenAt (): number {
    return this.host.timers.timeOfDay()
  }

  deliver (frame: FrameLike): boolean {
    return !this.#isClosed && this.#options.deliver(frameOf(frame))
  }

  after (ms: number, run: () => MaybePromise<unknown>): () => void {
    return this.#timers.after(ms, run)
  }

  every (ms: number, run: () => MaybePromise<unknown>): () => void {
    return this.#timers.every(ms, run)
  }

  noteRefusal (reason: RefusalReason, id = this.#members[0]?.id): void {
    this.host.refused(reason, { ...this.#who(), id })
  }

  /** See `Connection.count`. */
  count (event: string): void {
    this.#dialect.count(event)
  }

  onJoin (member: Member, leaving: Member | undefined): void {
    this.#dialect.traffic.registrations++
    this.host.audit.info({ event: 'register', ...this.#who(), room: member.room, id: member.id })
    this.#keep([...this.#members.filter((other) => other !== leaving), member])
  }

  onLeave (member: Member): void {
    this.#keep(this.#members.filter((other) => other !== member))
  }

  #keep (members: readonly Member[]): void {
    const before = this.#members
    this.#members = members
    this.host.events.moved(this, before, members)
  }

  /**
   * Ends the client. The audit trail has it as `leave` for 1000, which stands for an end that the client asked for.
   *
   * @param code one of `closeCodes`
   */
  close (code: number, reason = reasonOf(code), by?: string): void {
    if (this.#isClosed) return
    const end = { ...this.#who(), code, reason, by }
    this.#isClosed = true
    this.#expiry.end()
    this.#timers.end()
    this.host.audit.info({ event: eventOf(code), ...end })
    this.host.events.closed(end)
    this.#options.ended(code)
    const onError = (error: unknown) => this.host.log.error({ err: error, dialect: this.dialect }, 'leaving failed')
    leaveAll(this.#members, { leave: this.host.leave, mayReturn: false, onError }).catch(onError)
  }

  #who (): { dialect: string, id: string | undefined, subject: string | undefined, address: string } {
    return { dialect: this.dialect, id: this.#members[0]?.id, subject: this.may.subject, address: this.address }
  }
}

function eventOf (code: number): AuditEvent {
  if (code === closeCodes.normal) return 'leave'
  return code === closeCodes.goingAway ? 'drained' : 'kicked'
}
