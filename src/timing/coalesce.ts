import type { MaybePromise } from './maybe-promise.js'
import type { Timers } from './timers.js'

/** A run is followed by a rest of this many times its duration, so that composing a list for thousands cannot take the whole process. */
const restFactor = 4
/** Bytes of lists that go out in a second: an eighth of a network of 1 Gbit/s, and less than 1 % of a core. The rest is for signals. */
const bytesPerSecond = 16 * 2 ** 20

export interface Coalesced {
  /** Asks for a run soon. */
  ask (): void
  /** A run was asked for and has not begun. */
  readonly isDue: boolean
}

/**
 * A call that many changes ask for and that runs once for all of them, soon after the first. Asked again while it runs or rests, it
 * runs once more afterwards, so the last run is always later than the last change.
 *
 * @param run answers how many bytes it handed out; they are written later, and make the rest longer
 */
export function coalesce (timers: Timers, run: () => MaybePromise<number>): Coalesced {
  let isDue = false
  let isRunning = false
  let restUntil = 0

  function schedule (): void {
    timers.schedule(Math.max(0, restUntil - timers.now()), () => {
      isDue = false
      isRunning = true
      const startedAt = timers.now()
      const rest = (bytes: number): void => {
        isRunning = false
        const endedAt = timers.now()
        restUntil = endedAt + Math.max(restFactor * (endedAt - startedAt), bytes / bytesPerSecond * 1000)
        if (isDue) schedule()
      }
      try {
        const handedOut = run()
        if (handedOut instanceof Promise) handedOut.then(rest, () => rest(0))
        else rest(handedOut)
      } catch (error) {
        rest(0)
        throw error
      }
    })
  }

  return {
    ask () {
      if (isDue) return
      isDue = true
      if (!isRunning) schedule()
    },
    get isDue () { return isDue }
  }
}
