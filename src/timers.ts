/** A scheduled call, to be cancelled with `Timers.cancel`. */
export interface Timer {
  readonly run: () => void
  tick: number
}

/**
 * All expiries, pings and delays of one process. Calls are bucketed by tick, so scheduling and cancelling cost the same
 * whether ten or a hundred thousand are waiting, and one Node timer, running only while something waits, serves them all.
 */
export class Timers {
  readonly #tickMs: number
  readonly #now: () => number
  readonly #onError: (error: unknown) => void
  readonly #buckets = new Map<number, Set<Timer>>()
  #clock: NodeJS.Timeout | undefined
  #lastTick = 0
  #size = 0

  /**
   * @param onError told what a call threw; the other calls run all the same
   * @param tickMs resolution: a call runs at most this late, and never early; below the 50 ms in which a list must follow a change
   * @param now milliseconds of a monotonic clock; a test passes its own and calls `advance`
   */
  constructor (onError: (error: unknown) => void, tickMs = 25, now: () => number = () => performance.now()) {
    this.#onError = onError
    this.#tickMs = tickMs
    this.#now = now
  }

  /** How many calls wait. */
  get size (): number {
    return this.#size
  }

  /** What its clock says, in ms: for whoever measures against what it schedules. */
  now (): number {
    return this.#now()
  }

  /** Calls `run` once, `ms` milliseconds from now or up to one tick later. */
  schedule (ms: number, run: () => void): Timer {
    const now = this.#now()
    if (this.#size === 0) this.#lastTick = Math.floor(now / this.#tickMs)
    const timer = { run, tick: Math.max(Math.ceil((now + ms) / this.#tickMs), this.#lastTick + 1) }
    let bucket = this.#buckets.get(timer.tick)
    if (bucket === undefined) {
      bucket = new Set()
      this.#buckets.set(timer.tick, bucket)
    }
    bucket.add(timer)
    this.#size++
    this.#start()
    return timer
  }

  /** Forgets a call; one that ran or was cancelled already is ignored. */
  cancel (timer: Timer | undefined): void {
    if (timer === undefined) return
    const bucket = this.#buckets.get(timer.tick)
    if (bucket?.delete(timer) !== true) return
    if (bucket.size === 0) this.#buckets.delete(timer.tick)
    if (--this.#size === 0) this.#stop()
  }

  /** Runs what is due. The process's own timer calls it every tick. */
  advance (): void {
    const current = Math.floor(this.#now() / this.#tickMs)
    while (this.#lastTick < current && this.#size > 0) {
      const bucket = this.#buckets.get(++this.#lastTick)
      if (bucket === undefined) continue
      for (const timer of bucket) {
        this.cancel(timer)
        try {
          timer.run()
        } catch (error) {
          this.#onError(error)
        }
      }
    }
    this.#lastTick = Math.max(this.#lastTick, current)
  }

  /** Forgets every call, also those due in the tick that runs. */
  close (): void {
    for (const bucket of this.#buckets.values()) bucket.clear()
    this.#buckets.clear()
    this.#size = 0
    this.#stop()
  }

  /** Ticks are multiples of the clock: a beat of any other phase would run calls up to two ticks late. */
  #start (): void {
    this.#clock ??= setTimeout(() => {
      this.#clock = undefined
      this.advance()
      if (this.#size > 0) this.#start()
    }, this.#tickMs - this.#now() % this.#tickMs).unref()
  }

  #stop (): void {
    clearTimeout(this.#clock)
    this.#clock = undefined
  }
}
