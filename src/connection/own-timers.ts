import type { MaybePromise } from '../timing/maybe-promise.js'
import type { Timer, Timers } from '../timing/timers.js'
import type { ConnectionHost } from './host.js'

/** Whose timers they are. */
interface Owner {
  readonly host: Pick<ConnectionHost, 'timers' | 'log'>
  readonly isClosed: boolean
  readonly dialect: string | undefined
}

/** The timers that a dialect has set for one connection: they end with it. Made with the first of them. */
export class OwnTimers {
  readonly #connection: Owner
  readonly #timers: Timers
  /** Those that wait, each by the call that it is for. Undefined once the connection has ended. */
  #waiting: Map<object, Timer> | undefined

  constructor (connection: Owner) {
    this.#connection = connection
    this.#timers = connection.host.timers
    this.#waiting = connection.isClosed ? undefined : new Map()
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
      const { host: { log }, dialect } = this.#connection
      log.error({ err: error, dialect }, 'timer failed')
    }
  }

  end (): void {
    for (const timer of this.#waiting?.values() ?? []) this.#timers.cancel(timer)
    this.#waiting = undefined
  }
}
