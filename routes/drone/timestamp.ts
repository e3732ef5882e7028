import type { Clock } from '../../src/kit.js'

let latestMs = 0
let latest = ''

/** The time of day in ISO 8601, made once a millisecond: making it costs as much as the rest of a frame's handling. */
export function timestamp (clock: Clock): string {
  const ms = clock.timeOfDay()
  if (ms !== latestMs) {
    latestMs = ms
    latest = new Date(ms).toISOString()
  }
  return latest
}
