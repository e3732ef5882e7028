import type { MaybePromise } from '../timing/maybe-promise.js'

/** A rest that would be shorter is none: no timer is that fine. In ms. */
const minRestMs = 1
/** No cohort takes longer to tell, unless the process stood still: nobody waits for that once more. In ms. */
const maxRestMs = 1_000

/**
 * Lets callers in together, such as clients that join. Of all who join in one turn of the event loop every other client is told with one
 * write, and writing takes longer than all the rest. After a cohort the next begins only when as long has gone by as it and its writes
 * took. Who comes meanwhile waits.
 */
export class Cohorts {
  #phase: 'free' | 'open' | 'writing' | 'resting' = 'free'
  #waiting: Array<() => void> = []

  /** Lets the caller in: at once, or when the promise resolves. */
  enter (): MaybePromise<void> {
    if (this.#phase === 'free') this.#begin()
    else if (this.#phase !== 'open') return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** In real time, whatever clock the process has: it is processor time that is measured and given to others. */
  #begin (): void {
    this.#phase = 'open'
    const startedAt = performance.now()
    setImmediate(() => {
      this.#phase = 'writing'
      // What this turn has to write was put behind the first immediate.
      setImmediate(() => this.#rest(performance.now() - startedAt))
    })
  }

  #rest (ms: number): void {
    if (ms < minRestMs) return this.#goOn()
    this.#phase = 'resting'
    setTimeout(this.#goOn, Math.min(ms, maxRestMs)).unref()
  }

  readonly #goOn = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    if (waiting.length === 0) this.#phase = 'free'
    else this.#begin()
    for (const letIn of waiting) letIn()
  }
}
