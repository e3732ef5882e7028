/** Below it a wait is what adding up times left, and none. */
const roundingMs = 1e-6

/**
 * How fast tokens come into a bucket and how many it holds, from full at first. What is in one is told by a number: when it
 * will be full again. So many of a kind take a number each. Pure: the caller says what time it is, in ms.
 */
export class TokenRate {
  /** Most tokens that a bucket holds. */
  readonly burst: number
  readonly #msPerToken: number
  /** In which an empty bucket is full again. */
  readonly #fullMs: number

  /** @param rate tokens a second @param burst most tokens held */
  constructor (rate: number, burst: number) {
    this.#msPerToken = 1000 / rate
    this.burst = burst
    this.#fullMs = burst * this.#msPerToken
  }

  /** When a bucket is full again after tokens have been taken, also from one that has too few, which makes the wait longer. */
  taken (fullAt: number, now: number, tokens = 1): number {
    return Math.max(fullAt, now) + tokens * this.#msPerToken
  }

  /** How many tokens come in so many ms. */
  tokensIn (ms: number): number {
    return ms / this.#msPerToken
  }

  /** When it is full again after a token was put back. */
  refund (fullAt: number): number {
    return fullAt - this.#msPerToken
  }

  /** How many tokens a bucket lacks. */
  missing (fullAt: number, now: number): number {
    return Math.max(0, fullAt - now) / this.#msPerToken
  }

  /** Until there is a token; 0 while there is one. */
  waitMs (fullAt: number, now: number): number {
    const ms = fullAt - now + this.#msPerToken - this.#fullMs
    return ms > roundingMs ? ms : 0
  }
}

/** One token bucket. */
export class TokenBucket {
  readonly #rate: TokenRate
  #fullAt = 0

  constructor (rate: TokenRate) {
    this.#rate = rate
  }

  /** Takes one token; false when there is none. */
  take (now: number): boolean {
    if (this.#rate.waitMs(this.#fullAt, now) > 0) return false
    this.#fullAt = this.#rate.taken(this.#fullAt, now)
    return true
  }

  /** Puts back a token that was taken for nothing. */
  refund (): void {
    this.#fullAt = this.#rate.refund(this.#fullAt)
  }
}
