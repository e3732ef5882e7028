/** Where a process reads the time. Tests pass one of their own, and skip what they would have to wait for. */
export interface Clock {
  /** ms of a clock that nobody sets: for everything that is measured. */
  now (): number
  /** ms since the epoch: for times that are shown, and for tokens. It may be set, forward or back. */
  timeOfDay (): number
}

export const systemClock: Clock = {
  now: () => performance.now(),
  timeOfDay: () => Date.now()
}
