import { type Clock, systemClock } from './clock.js'
import type { MaybePromise } from './maybe-promise.js'

/** A scheduled call, to be cancelled with `Timers.cancel`. */
export interface Timer {
  readonly tick: number
}

/** A call and its argument: one function that many timers share takes less memory than a closure each. */
interface Call<Of> extends Timer {
  readonly run: (of: Of) => void
  readonly of: Of
}

/** Ticks for which the process's timer sleeps at most: it looks that far ahead for the next call. */
const longestSleep = 40
/** The two clocks may differ by less than this without either being set: one of them has whole milliseconds only. */
const clockJitterMs = 2
/** A process whose timer runs later than this has stood still. In ms. */
const standstillMs = 1_000

/**
 * The clock of one process, and all its expiries, pings and delays. Calls are bucketed by tick, so scheduling and cancelling cost
 * the same whether ten or a hundred thousand are waiting. One Node timer, which sleeps until the next call is due, serves them all.
 */
export class Timers implements Clock {
  readonly #tickMs: number
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void
  readonly #buckets = new Map<number, Set<Call<unknown>>>()
  #wakeUp: NodeJS.Timeout | undefined
  /** The tick for which `#wakeUp` is set. */
  #nextTick = Infinity
  #lastTick = 0
  #size = 0
  /** The time of day at which the monotonic clock was 0. */
  #epochMs: number
  #stoodStillUntil = -Infinity

  /**
   * @param onError told what a call threw; the other calls run all the same
   * @param tickMs resolution: a call runs at most this late, and never early; below the 50 ms in which a list must follow a change
   * @param clock a test passes its own, and calls `advance` when it has moved it on
   */
  constructor (onError: (error: unknown) => void, tickMs = 25, clock: Clock = systemClock) {
    this.#onError = onError
    this.#tickMs = tickMs
    this.#clock = clock
    this.#epochMs = clock.timeOfDay() - clock.now()
  }

  /** How many calls wait. */
  get size (): number {
    return this.#size
  }

  now (): number {
    return this.#clock.now()
  }

  timeOfDay (): number {
    return this.#clock.timeOfDay()
  }

  /** A reading of `now` as ms since the epoch: the same however often it is asked for, unless the time of day has been set meanwhile. */
  timeOfDayAt (at: number): number {
    const epochMs = this.timeOfDay() - this.now()
    if (Math.abs(epochMs - this.#epochMs) > clockJitterMs) this.#epochMs = epochMs
    return Math.round(this.#epochMs + at)
  }

  /**
   * When the process last went on after it had stood still: its event loop was blocked, or the system had stopped it. In ms of `now`.
   * What others sent meanwhile is read before any call runs.
   */
  get stoodStillUntil (): number {
    return this.#stoodStillUntil
  }

  /** Calls `run` once, with `of`, `ms` milliseconds from now or up to one tick later. */
  schedule (ms: number, run: () => void): Timer
  schedule<Of> (ms: number, run: (of: Of) => void, of: Of): Timer
  schedule<Of> (ms: number, run: (of: Of) => void, of?: Of): Timer {
    const now = this.now()
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

  /** Calls `run` once this turn of the event loop, and all that waits for its promises, is over. It does not wait for the clock. */
  afterTurn (run: () => MaybePromise<void>): void {
    setImmediate(() => {
      try {
        const running = run()
        if (running instanceof Promise) running.catch(this.#onError)
      } catch (error) {
        this.#onError(error)
      }
    })
  }

  /** Forgets a call; one that ran or was cancelled already is ignored. */
  cancel (timer: Timer | undefined): void {
    if (timer === undefined) return
    const bucket = this.#buckets.get(timer.tick)
    if (bucket?.delete(timer as Call<unknown>) !== true) return
    if (bucket.size === 0) this.#buckets.delete(timer.tick)
    if (--this.#size === 0) this.#stop()
  }

  /** Runs the calls that are due. The Node timer calls it. */
  advance (): void {
    const current = Math.floor(this.now() / this.#tickMs)
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
    if (this.#nextTick <= this.#lastTick && this.#size > 0) this.#sleep()
  }

  /** Forgets every call, also those due in the tick that runs. */
  close (): void {
    for (const bucket of this.#buckets.values()) bucket.clear()
    this.#buckets.clear()
    this.#size = 0
    this.#stop()
  }

  /** Ticks are multiples of `tickMs` on the clock: waking up at other times would run calls up to two ticks late. */
  #wakeAt (tick: number): void {
    this.#stop()
    this.#nextTick = Math.min(tick, this.#lastTick + longestSleep)
    const dueAt = this.#nextTick * this.#tickMs
    this.#wakeUp = setTimeout(() => {
      this.#nextTick = 0
      const now = this.now()
      if (now - dueAt <= standstillMs) return this.advance()
      this.#stoodStillUntil = now
      // Sockets are read between timers and immediates.
      setImmediate(() => this.advance())
    }, dueAt - this.now()).unref()
  }

  #sleep (): void {
    let tick = this.#lastTick + 1
    while (!this.#buckets.has(tick) && tick < this.#lastTick + longestSleep) tick++
    this.#wakeAt(tick)
  }

  #stop (): void {
    clearTimeout(this.#wakeUp)
    this.#nextTick = Infinity
  }
}
