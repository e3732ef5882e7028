import type { Timer, Timers } from '../../timing/timers.js'
import type { AttemptLimit, Attempts } from '../contract.js'

interface Window {
  underWay: number
  failed: number
  isBarred: boolean
  timer: Timer
}

/** The attempts of one process. No operation returns a promise. */
export interface MemoryAttempts extends Attempts {
  begin (key: string, limit: AttemptLimit): boolean
  succeed (key: string): void
  fail (key: string, limit: AttemptLimit): boolean
  /** Returns how many the key holds. */
  hold (key: string, change: 1 | -1): number
  readonly size: number
}

export function memoryAttempts (timers: Timers): MemoryAttempts {
  const windows = new Map<string, Window>()
  const held = new Map<string, number>()
  const mayFail = (key: string, { failures }: AttemptLimit) => Math.max(failures, held.get(key) ?? 0)

  function forgetIn (ms: number, key: string): Timer {
    return timers.schedule(ms, () => windows.delete(key))
  }

  function windowOf (key: string, { windowMs }: AttemptLimit): Window {
    let window = windows.get(key)
    if (window === undefined) windows.set(key, window = { underWay: 0, failed: 0, isBarred: false, timer: forgetIn(windowMs, key) })
    return window
  }

  function end (window: Window): void {
    // The attempt may have begun in an earlier window.
    if (window.underWay > 0) window.underWay--
  }

  return {
    begin (key, limit) {
      const window = windowOf(key, limit)
      if (window.isBarred || window.underWay + window.failed > mayFail(key, limit)) return false
      window.underWay++
      return true
    },

    succeed (key) {
      const window = windows.get(key)
      if (window === undefined) return
      end(window)
      if (window.underWay > 0 || window.failed > 0) return
      timers.cancel(window.timer)
      windows.delete(key)
    },

    fail (key, limit) {
      const window = windowOf(key, limit)
      end(window)
      if (window.isBarred) return true
      if (++window.failed <= mayFail(key, limit)) return false
      window.isBarred = true
      timers.cancel(window.timer)
      window.timer = forgetIn(limit.windowMs, key)
      return true
    },

    hold (key, change) {
      const count = (held.get(key) ?? 0) + change
      if (count > 0) held.set(key, count)
      else held.delete(key)
      return Math.max(count, 0)
    },

    get size () { return windows.size }
  }
}
