import type { TokenRate } from '../limits/token-bucket.js'
import type { Timer, Timers } from '../timing/timers.js'

/** A socket paused for longer than this without a break is closed. In ms. */
const maxPausedMs = 300_000
/** Control frames cannot be paused: more than come in this many ms at the socket's rate, during one pause, close it. */
const maxControlMs = 30_000
/** ms of reading freely that count as a break. */
const breakMs = 250

/** A socket above its rate is not read until it has a token again. Made when that happens first. */
export class ReadPause {
  #timer: Timer | undefined
  /** When it was paused first without a break. */
  #since: number
  #endedAt: number
  #controlFrames = 0

  constructor (now: number) {
    this.#since = this.#endedAt = now
  }

  get isActive (): boolean {
    return this.#timer !== undefined
  }

  /** Calls `resume` once `waitMs` answers 0. False when the socket has been paused for too long without a break. */
  begin (timers: Timers, waitMs: (now: number) => number, resume: () => void): boolean {
    const now = timers.now()
    if (now - this.#endedAt > breakMs) this.#since = now
    if (now - this.#since > maxPausedMs) return false
    this.#wait(timers, waitMs, resume)
    return true
  }

  #wait (timers: Timers, waitMs: (now: number) => number, resume: () => void): void {
    this.#timer = timers.schedule(waitMs(timers.now()), () => {
      const now = timers.now()
      // Control frames have made the wait longer.
      if (waitMs(now) > 0) return this.#wait(timers, waitMs, resume)
      this.#timer = undefined
      this.#endedAt = now
      this.#controlFrames = 0
      resume()
    })
  }

  /** Counts a ping or pong that came during the pause. False when there were too many. */
  takeControlFrame (rate: TokenRate): boolean {
    return ++this.#controlFrames <= rate.tokensIn(maxControlMs)
  }

  cancel (timers: Timers): void {
    timers.cancel(this.#timer)
  }
}
