import type { Liveness } from '../dialect/dialect.js'

/**
 * Pings are sent in groups, this many in an interval: pings that go together, and whose pongs come together, cost half of what as many
 * single ones do.
 */
const groups = 64

/** When a socket was last heard of, in ms of the monotonic clock. */
export interface LastHeard {
  readonly frameAt: number
  /** A frame or a pong. */
  readonly heardAt: number
}

type Bounds = Required<Liveness>

/** How long a socket may be silent: two intervals between pings, or less where its dialect says so. */
export function livenessBounds (heartbeatMs: number, { maxSilenceMs = Infinity, maxFrameGapMs = Infinity }: Liveness = {}): Bounds {
  return { maxSilenceMs: Math.min(2 * heartbeatMs, maxSilenceMs), maxFrameGapMs }
}

export function isDead ({ maxSilenceMs, maxFrameGapMs }: Bounds, { frameAt, heardAt }: LastHeard, now: number): boolean {
  return now - heardAt >= maxSilenceMs || now - frameAt >= maxFrameGapMs
}

/** ms until the next ping, or until a bound is reached if that is sooner. */
export function nextCheckMs (heartbeatMs: number, bounds: Bounds, { frameAt, heardAt }: LastHeard, now: number): number {
  const { maxSilenceMs, maxFrameGapMs } = bounds
  const pingEveryMs = Math.min(heartbeatMs, maxSilenceMs / 2)
  const pingInMs = pingEveryMs - (now + pingEveryMs) % (pingEveryMs / groups)
  return Math.min(pingInMs, heardAt + maxSilenceMs - now, frameAt + maxFrameGapMs - now)
}
