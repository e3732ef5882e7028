import type { MaybePromise } from '../timing/maybe-promise.js'
import type { Timer, Timers } from '../timing/timers.js'

/** The timers that a dialect has set for one connection: they end with it. Made with the first of them. */
export class OwnTimers {
  readonly #timers: Timers
  readonly #onError: (error: unknown) => void
  /** Those that wait, each by the call that it is for. Undefined once the connection has ended. */
  #waiting: Map<object, Timer> | undefined = new Map()

  /** @param onError told what a call threw, or its promise rejected with */
  constructor (timers: Timers, onError: (error: unknown) => void) {
    this.#timers = timers
    this.#onError = onError
  }

  /** See `Connection.after`. */
  after (ms: number, run: () => MaybePromise<unknown>): () => void {
    return this.#begin(ms, run, false)
  }

  /** See `Connection.every`. */
  every (ms: number, run: () => MaybePromise<unknown>): () => void {
    return this.#begin(ms, run, true)
  }

  #begin (ms: number, run: () => MaybePromise<unknown>, repeats: boolean): () => void {
    if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`A timer cannot run after ${ms} ms`)
    const key = {}
    let isCancelled = false
    const wait = (): void => {
      if (!isCancelled) this.#waiting?.set(key, this.#timers.schedule(ms, due))
    }
    const due = async (): Promise<void> => {
      this.#waiting?.delete(key)
      await this.#call(run)
      if (repeats) wait()
    }
    wait()
    return () => {
      isCancelled = true
      this.#timers.cancel(this.#waiting?.get(key))
      this.#waiting?.delete(key)
    }
  }

  /** Never rejects. */
  async #call (run: () => MaybePromise<unknown>): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#onError(error)
    }
  }

  end (): void {
    for (const timer of this.#waiting?.values() ?? []) this.#timers.cancel(timer)
    this.#waiting = undefined
  }
}
