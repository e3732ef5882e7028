import type { Liveness } from '../dialect/dialect.js'
import { type CloseCode, closeCodes } from '../frame/close-codes.js'
import type { Timer } from '../timing/timers.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { ConnectionHost } from './host.js'
import type { Outbox } from './outbox.js'
import { PresenceProbe } from './presence-probe.js'
import type { SocketReader } from './reader.js'

/**
 * Pings are sent in groups, this many in an interval: pings that go together, and whose pongs come together, cost half of what as many
 * single ones do.
 */
const groups = 64
/** After a standstill of this process, a client has this long to answer a ping. In ms. */
const answerMs = 5_000

type Bounds = Required<Liveness>

/** A connection, as far as its liveness goes. */
export interface Living {
  readonly host: ConnectionHost
  /** What its dialect asks beyond the pings, once that is known. */
  readonly liveness: Liveness | undefined
  readonly isClosed: boolean
  readonly isClosing: boolean
  close (code: CloseCode): void
}

/** Pings one client, and closes it with 4101 once it has been silent for too long. */
export class LivenessCheck {
  readonly #living: Living
  readonly #reader: SocketReader
  readonly #outbox: Outbox
  #timer: Timer | undefined
  /** Undefined until somebody asks. */
  #probe: PresenceProbe | undefined

  constructor (living: Living, reader: SocketReader, outbox: Outbox) {
    this.#living = living
    this.#reader = reader
    this.#outbox = outbox
  }

  static readonly #isDue = (check: LivenessCheck): void => check.#run()

  /** Begins, or begins anew under other bounds. */
  schedule (): void {
    if (this.#living.isClosed) return
    const { timers } = this.#living.host
    timers.cancel(this.#timer)
    this.#timer = timers.schedule(this.#msToNext(timers.now()), LivenessCheck.#isDue, this)
  }

  /** Whether the client is still there. It is asked, unless its socket is closing. See `Sink.isThere`. */
  isThere (): MaybePromise<boolean> {
    const { isClosing, host: { limits } } = this.#living
    if (isClosing || limits.idProbeMs === 0) return !isClosing
    this.#probe ??= new PresenceProbe(this.#living, this.#reader, this.#outbox)
    return this.#probe.ask()
  }

  end (): void {
    this.#living.host.timers.cancel(this.#timer)
    this.#probe?.end()
  }

  #run (): void {
    const { timers } = this.#living.host
    const now = timers.now()
    // A socket that is not read cannot show that it lives.
    if (this.#reader.isBlocked || this.#reader.isPaused) this.#reader.hear(now)
    if (this.#diesAt <= now) return this.#living.close(closeCodes.timeout)
    this.#outbox.ping()
    this.schedule()
  }

  /** How long the socket may be silent: two intervals between pings, or less where its dialect says so. */
  get #bounds (): Bounds {
    const { host: { limits: { heartbeatMs } }, liveness: { maxSilenceMs = Infinity, maxFrameGapMs = Infinity } = {} } = this.#living
    return { maxSilenceMs: Math.min(2 * heartbeatMs, maxSilenceMs), maxFrameGapMs }
  }

  /** When the client counts as dead, unless it is heard of before: never for a silence that was ours. */
  get #diesAt (): number {
    const { maxSilenceMs, maxFrameGapMs } = this.#bounds
    const { frameAt, heardAt } = this.#reader
    return Math.max(Math.min(heardAt + maxSilenceMs, frameAt + maxFrameGapMs), this.#living.host.timers.stoodStillUntil + answerMs)
  }

  /** ms until the next ping, or until the client counts as dead if that is sooner. */
  #msToNext (now: number): number {
    const { heartbeatMs } = this.#living.host.limits
    const pingEveryMs = Math.min(heartbeatMs, this.#bounds.maxSilenceMs / 2)
    const pingInMs = pingEveryMs - (now + pingEveryMs) % (pingEveryMs / groups)
    return Math.min(pingInMs, this.#diesAt - now)
  }
}
