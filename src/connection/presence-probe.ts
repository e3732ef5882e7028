import { type CloseCode, closeCodes } from '../frame/close-codes.js'
import type { Timer } from '../timing/timers.js'
import type { ConnectionHost } from './host.js'
import type { Outbox } from './outbox.js'
import type { SocketReader } from './reader.js'

/** The least time between two questions, however many ask. In ms. */
const restMs = 500
/** A question is told from the next by one byte. */
const marks = 256

/** A connection, as far as the probe goes. */
export interface Probed {
  readonly host: ConnectionHost
  readonly isClosing: boolean
  close (code: CloseCode): void
}

/**
 * Asks a client with a ping whether it is still there, and closes it with 4101 if it shows no sign of life in time. Whoever asks
 * meanwhile waits for the same answer. Made for a connection that is asked first.
 */
export class PresenceProbe {
  readonly #probed: Probed
  readonly #reader: SocketReader
  readonly #outbox: Outbox
  #answer: Promise<boolean> | undefined
  #settle: (isThere: boolean) => void = () => {}
  #timer: Timer | undefined
  /** Of the current question, in its ping. */
  #mark = 0
  #startedAt = -Infinity
  /** Whether anything has come since the question was put. Undefined while what had come before may still be unread. */
  #hasMoved: (() => boolean) | undefined

  constructor (probed: Probed, reader: SocketReader, outbox: Outbox) {
    this.#probed = probed
    this.#reader = reader
    this.#outbox = outbox
  }

  /** Whether the client is there. False, too, if the connection ends first. */
  ask (): Promise<boolean> {
    this.#answer ??= new Promise((resolve) => {
      this.#settle = resolve
      const { timers } = this.#probed.host
      const restsMs = this.#startedAt + restMs - timers.now()
      if (restsMs > 0) this.#timer = timers.schedule(restsMs, () => this.#ping())
      else this.#ping()
    })
    return this.#answer
  }

  /** The connection is over. */
  end (): void {
    this.#conclude(false)
  }

  #ping (): void {
    const { host: { timers, limits } } = this.#probed
    const mark = this.#mark = (this.#mark + 1) % marks
    this.#startedAt = timers.now()
    this.#hasMoved = undefined
    this.#reader.onAnswer = (payload) => this.#takes(payload)
    this.#outbox.ping(mark)
    // What the client had sent before is no answer, and is read in this turn.
    timers.afterTurn(() => { if (this.#mark === mark) this.#hasMoved = this.#watch() })
    this.#timer = timers.schedule(limits.idProbeMs, () => this.#judge())
  }

  /** Answers whether there was a sign of life since: a pong, a frame or a part of one, or room for what had waited for the client. */
  #watch (): () => boolean {
    const since = this.#probed.host.timers.now()
    const bytesMoved = this.#outbox.watch()
    return () => this.#reader.heardAt > since || bytesMoved()
  }

  #takes (pong: Buffer): boolean {
    if (pong.length !== 1 || pong[0] !== this.#mark) return false
    this.#conclude(true)
    return true
  }

  #judge (): void {
    const { host: { timers }, isClosing } = this.#probed
    if (isClosing) return this.#conclude(false)
    // A socket that is not read cannot show that it lives.
    if (this.#reader.isBlocked || this.#reader.isPaused || this.#hasMoved?.() === true) return this.#conclude(true)
    // The silence was ours.
    if (this.#hasMoved === undefined || timers.stoodStillUntil >= this.#startedAt) return this.#ping()
    this.#probed.close(closeCodes.timeout)
  }

  #conclude (isThere: boolean): void {
    this.#probed.host.timers.cancel(this.#timer)
    this.#reader.onAnswer = undefined
    this.#answer = undefined
    this.#settle(isThere)
  }
}
