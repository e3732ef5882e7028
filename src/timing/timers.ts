/** A scheduled call, to be cancelled with `Timers.cancel`. */
export interface Timer {
  readonly tick: number
}

/** What is run, and with what: one function for many timers takes less than one each. */
interface Call<Of> extends Timer {
  readonly run: (of: Of) => void
  readonly of: Of
}

/** Ticks for which the clock sleeps at most: it looks that far ahead for something to do. */
const longestSleep = 40

/**
 * All expiries, pings and delays of one process. Calls are bucketed by tick, so scheduling and cancelling cost the same
 * whether ten or a hundred thousand are waiting, and one Node timer, which sleeps until something is due, serves them all.
 */
export class Timers {
  readonly #tickMs: number
  readonly #now: () => number
  readonly #onError: (error: unknown) => void
  readonly #buckets = new Map<number, Set<Call<unknown>>>()
  #clock: NodeJS.Timeout | undefined
  /** For which the clock is set. */
  #nextTick = Infinity
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

  /** Calls `run` once, with `of`, `ms` milliseconds from now or up to one tick later. */
  schedule (ms: number, run: () => void): Timer
  schedule<Of> (ms: number, run: (of: Of) => void, of: Of): Timer
  schedule<Of> (ms: number, run: (of: Of) => void, of?: Of): Timer {
    const now = this.#now()
    if (this.#size === 0) this.#lastTick = Math.floor(now / this.#tickMs)
    const timer = { run: run as Call<unknown>['run'], of, tick: Math.max(Math.ceil((now + ms) / this.#tickMs), this.#lastTick + 1) }
    let bucket = this.#buckets.get(timer.tick)
    if (bucket === undefined) {
      bucket = new Set()
      this.#buckets.set(timer.tick, bucket)
    }
    bucket.add(timer)
    this.#size++
    if (timer.tick < this.#nextTick) this.#wakeAt(timer.tick)
    return timer
  }

  /** Forgets a call; one that ran or was cancelled already is ignored. */
  cancel (timer: Timer | undefined): void {
    if (timer === undefined) return
    const bucket = this.#buckets.get(timer.tick)
    if (bucket?.delete(timer as Call<unknown>) !== true) return
    if (bucket.size === 0) this.#buckets.delete(timer.tick)
    if (--this.#size === 0) this.#stop()
  }

  /** Runs what is due. The process's own timer calls it. */
  advance (): void {
    const current = Math.floor(this.#now() / this.#tickMs)
    while (this.#lastTick < current && this.#size > 0) {
      const bucket = this.#buckets.get(++this.#lastTick)
      if (bucket === undefined) continue
      for (const timer of bucket) {
        this.cancel(timer)
        try {
          timer.run(timer.of)
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
  #wakeAt (tick: number): void {
    this.#stop()
    this.#nextTick = Math.min(tick, this.#lastTick + longestSleep)
    this.#clock = setTimeout(() => {
      this.#nextTick = Infinity
      this.advance()
      if (this.#size > 0) this.#sleep()
    }, this.#nextTick * this.#tickMs - this.#now()).unref()
  }

  #sleep (): void {
    let tick = this.#lastTick + 1
    while (!this.#buckets.has(tick) && tick < this.#lastTick + longestSleep) tick++
    this.#wakeAt(tick)
  }

  #stop (): void {
    clearTimeout(this.#clock)
    this.#nextTick = Infinity
  }
}
