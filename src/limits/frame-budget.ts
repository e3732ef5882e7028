/** ms of a turn of the event loop for the frames of whoever sends many, and of these for one socket that has waited. */
const budgetMs = 4
const sliceMs = 0.5

/** A socket whose next frame waits for a turn of the event loop that has time for it. */
export interface Waiting {
  goOn (): void
}

/**
 * Bursts of many sockets, spread over turns of the event loop. One read brings a thousand small frames, and one turn may read
 * every socket: who sends one frame would wait for all of them. Once a turn has taken its time, whoever has sent much of late waits,
 * and goes on a little at a time, one socket after the other.
 */
export class FrameBudget {
  #startedAt: number | undefined
  /** When the socket that goes on has had its share. */
  #sliceEndsAt = Infinity
  readonly #waiting = new Set<Waiting>()

  /** True when the turn has taken its time, or the socket that goes on. */
  isSpent (now: number): boolean {
    if (this.#startedAt === undefined) this.#begin(now)
    return now - (this.#startedAt as number) > budgetMs || now > this.#sliceEndsAt
  }

  /** Tells it to go on in a turn that has time. */
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
    this.#begin(performance.now())
    // Who has to wait again does so behind all others.
    for (const waiting of this.#waiting) {
      const now = performance.now()
      if (this.isSpent(now)) return
      this.#sliceEndsAt = now + sliceMs
      this.#waiting.delete(waiting)
      waiting.goOn()
      this.#sliceEndsAt = Infinity
    }
  }
}
