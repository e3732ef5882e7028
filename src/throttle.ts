/** Below it a wait is what adding up times left, and none. */
const roundingMs = 1e-6

/** How fast tokens come and how many may be held: of all buckets of a kind, which then take a number each. */
export class Rate {
  readonly msPerToken: number
  /** In which an empty bucket is full again. */
  readonly fullMs: number

  /** @param rate tokens a second @param burst most tokens held */
  constructor (rate: number, burst: number) {
    this.msPerToken = 1000 / rate
    this.fullMs = burst * this.msPerToken
  }
}

/** A token bucket: full at first, more each second, never more than full. Pure: the caller says what time it is, in ms. */
export class Throttle {
  readonly #rate: Rate
  /** When it is full again, unless something is taken. */
  #fullAt = 0

  constructor (rate: Rate) {
    this.#rate = rate
  }

  /** Takes one token; false when there is none. */
  take (now: number): boolean {
    if (this.isEmpty(now)) return false
    this.overdraw(now)
    return true
  }

  /** Puts back a token that was taken for nothing. */
  giveBack (): void {
    this.#fullAt -= this.#rate.msPerToken
  }

  /** Takes one token all the same, which makes the wait longer by one. */
  overdraw (now: number): void {
    this.#fullAt = Math.max(this.#fullAt, now) + this.#rate.msPerToken
  }

  isEmpty (now: number): boolean {
    return this.waitMs(now) > roundingMs
  }

  /** Until the next token is there; 0 while there is one. */
  waitMs (now: number): number {
    const { msPerToken, fullMs } = this.#rate
    return Math.max(0, this.#fullAt - now + msPerToken - fullMs)
  }
}
