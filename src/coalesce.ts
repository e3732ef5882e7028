import type { Timers } from './timers.js'

/** After a run, at least this many times its own duration passes before the next: a list for thousands cannot take the whole process. */
const restFactor = 4

/**
 * A call that many changes ask for and that runs once for all of them, soon after the first. Asked again while it rests, it
 * runs once more afterwards, so the last run is always later than the last change.
 */
export function coalesce (timers: Timers, run: () => void): () => void {
  let isDue = false
  let restUntil = 0
  return () => {
    if (isDue) return
    isDue = true
    timers.schedule(Math.max(0, restUntil - timers.now()), () => {
      isDue = false
      const startedAt = timers.now()
      run()
      const endedAt = timers.now()
      restUntil = endedAt + restFactor * (endedAt - startedAt)
    })
  }
}
