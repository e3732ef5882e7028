/** Shorter waits are floating-point error and count as none. In ms. */
const roundingMs = 1e-6

/**
 * How fast tokens come into a bucket, and how many it holds; a bucket is full at first. A bucket is one number, the time at which it
 * is full again (GCRA), so any number of them share one rate. Pure: the caller passes the time, in ms of a monotonic clock.
 *
 * @see https://www.itu.int/rec/T-REC-I.371 for the generic cell rate algorithm
 */
export class TokenRate {
  /** Most tokens that a bucket holds. */
  readonly burst: number
  readonly #msPerToken: number
  /** ms in which an empty bucket is full again. */
  readonly #fullMs: number

  /** @param rate tokens a second @param burst most tokens held */
  constructor (rate: number, burst: number) {
    this.#msPerToken = 1000 / rate
    this.burst = burst
    this.#fullMs = burst * this.#msPerToken
  }

  /** When a bucket is full again after tokens were taken. A bucket may go below zero: then the next wait is longer. */
  taken (fullAt: number, now: number, tokens = 1): number {
    return Math.max(fullAt, now) + tokens * this.#msPerToken
  }

  /** How many tokens come in this many ms. */
  tokensIn (ms: number): number {
    return ms / this.#msPerToken
  }

  /** When a bucket is full again after one token was put back. */
  refund (fullAt: number): number {
    return fullAt - this.#msPerToken
  }

  /** How many tokens a bucket lacks. */
  missing (fullAt: number, now: number): number {
    return Math.max(0, fullAt - now) / this.#msPerToken
  }

  /** ms until there is a token; 0 while there is one. */
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

  /** Puts back a token that was not used after all. */
  refund (): void {
    this.#fullAt = this.#rate.refund(this.#fullAt)
  }
}
