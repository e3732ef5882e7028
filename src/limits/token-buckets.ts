import type { TokenRate } from './token-bucket.js'

/** Beyond this many keys, full buckets are forgotten, and then the oldest. */
const maxKeys = 65_536

/** A token bucket for each key, such as an address. Full buckets are forgotten in time. */
export class TokenBuckets {
  readonly #rate: TokenRate
  readonly #fullAt = new Map<string, number>()

  constructor (rate: TokenRate) {
    this.#rate = rate
  }

  /** How many keys it remembers. */
  get size (): number {
    return this.#fullAt.size
  }

  /** Takes one token of a key; false when it has none. */
  take (key: string, now: number): boolean {
    const fullAt = this.#fullAt.get(key) ?? 0
    if (this.#rate.waitMs(fullAt, now) > 0) return false
    if (fullAt === 0 && this.#fullAt.size >= maxKeys) this.#makeRoom(now)
    this.#fullAt.set(key, this.#rate.taken(fullAt, now))
    return true
  }

  /** Whether a key has no token. */
  isEmpty (key: string, now: number): boolean {
    const fullAt = this.#fullAt.get(key)
    return fullAt !== undefined && this.#rate.waitMs(fullAt, now) > 0
  }

  /** Forgets the keys whose bucket is full again. */
  sweep (now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key)
  }

  #makeRoom (now: number): void {
    this.sweep(now)
    for (const key of this.#fullAt.keys()) {
      if (this.#fullAt.size < maxKeys / 2) break
      this.#fullAt.delete(key)
    }
  }
}
