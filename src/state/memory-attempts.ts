import type { Timers } from '../timers.js'
import type { Attempts } from './contract.js'

/** Counts in one process. */
export function memoryAttempts (timers: Timers): Attempts & { size: () => number } {
  const windows = new Map<string, { count: number }>()
  return {
    add (key, windowMs) {
      let window = windows.get(key)
      if (window === undefined) {
        window = { count: 0 }
        windows.set(key, window)
        timers.schedule(windowMs, () => windows.delete(key))
      }
      return ++window.count
    },
    count: (key) => windows.get(key)?.count ?? 0,
    size: () => windows.size
  }
}
