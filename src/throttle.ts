/** A token bucket: `burst` tokens at first, `rate` more each second, never more than `burst`. Pure: the caller says what time it is. */
export class Throttle {
  readonly #ratePerMs: number
  readonly #burst: number
  #tokens: number
  #at: number

  /** @param rate tokens a second @param burst most tokens held @param now milliseconds */
  constructor (rate: number, burst: number, now: number) {
    this.#ratePerMs = rate / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#at = now
  }

  /** Takes one token; false when there is none. */
  take (now: number): boolean {
    if (this.isEmpty(now)) return false
    this.#tokens--
    return true
  }

  /** Puts back a token that was taken for nothing. */
  giveBack (): void {
    this.#tokens++
  }

  /** Takes one token all the same, which makes the wait longer by one. */
  overdraw (now: number): void {
    this.#refill(now)
    this.#tokens--
  }

  isEmpty (now: number): boolean {
    this.#refill(now)
    return this.#tokens < 1
  }

  #refill (now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#ratePerMs)
    this.#at = now
  }

  /** Milliseconds from the last call until the next token is there. */
  get waitMs (): number {
    return Math.max(0, (1 - this.#tokens) / this.#ratePerMs)
  }
}
