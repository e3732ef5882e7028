import type { Clock } from '../timing/clock.js'

/** ms of one iteration of the event loop for sockets that have sent much of late. */
const budgetMs = 4
/** ms of that for one socket that has waited. */
const sliceMs = 0.5

/** A socket whose next frame waits for an iteration that has time for it. */
export interface Waiting {
  goOn (): void
}

/**
 * Spreads bursts over iterations of the event loop. One read brings a thousand small frames, and one iteration may read every socket:
 * a client that sends a single frame would wait for all of them. Once an iteration has spent its budget, sockets that have sent much of
 * late wait, and then go on for a slice each, one after the other.
 */
export class FrameBudget {
  readonly #clock: Clock
  #startedAt: number | undefined
  #sliceEndsAt = Infinity
  readonly #waiting = new Set<Waiting>()

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** True when the iteration has spent its budget, or the socket that goes on its slice. */
  isSpent (now: number): boolean {
    if (this.#startedAt === undefined) this.#begin(now)
    return now - (this.#startedAt as number) > budgetMs || now > this.#sliceEndsAt
  }

  /** Calls `goOn` in an iteration that has time. */
  wait (waiting: Waiting): void {
    this.#waiting.add(waiting)
  }

  #begin (now: number): void {
    this.#startedAt = now
    setImmediate(this.#next)
  }

  readonly #next = (): void => {
    this.#startedAt = undefined
    if (this.#waiting.size === 0) return
    this.#begin(this.#clock.now())
    // A socket that has to wait again is added behind all others.
    for (const waiting of this.#waiting) {
      const now = this.#clock.now()
      if (this.isSpent(now)) return
      this.#sliceEndsAt = now + sliceMs
      this.#waiting.delete(waiting)
      waiting.goOn()
      this.#sliceEndsAt = Infinity
    }
  }
}
