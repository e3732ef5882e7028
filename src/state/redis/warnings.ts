import { Cluster, type Redis } from 'ioredis'
import type { Log } from '../../telemetry/log.js'
import type { Timers } from '../../timing/timers.js'
import type { RedisLink } from './link.js'

/** What a token's lifetime can bear. In ms. */
export const maxClockDifferenceMs = 5_000

/** What the log says of Redis while the link to it is up: each state of things once. */
export class RedisWarnings {
  readonly #link: RedisLink
  readonly #timers: Timers
  readonly #log: Log
  readonly #told = { dropped: 0, skipped: 0, refused: 0 }
  #policy = ''
  #isClockOff = false

  constructor (link: RedisLink, timers: Timers, log: Log) {
    this.#link = link
    this.#timers = timers
    this.#log = log
  }

  /** What went wrong since the last time, without its content. */
  losses (framesDropped: number): void {
    const link = this.#link
    const since = (name: 'dropped' | 'skipped' | 'refused', total: number): number => {
      const count = total - this.#told[name]
      this.#told[name] = total
      return count
    }
    const [dropped, skipped, refused] = [since('dropped', framesDropped), since('skipped', link.skipped), since('refused', link.refused)]
    if (dropped > 0) this.#log.warn({ dropped }, 'frames dropped: their receivers had gone')
    const failure = link.failure === undefined ? {} : { err: link.failure }
    if (skipped > 0) this.#log.warn({ skipped, ...failure }, 'messages from Redis skipped: not understood')
    if (refused > 0) this.#log.warn({ refused, reason: link.refusal }, 'redis refused commands')
    link.failure = undefined
  }

  /**
   * A clock that is off ends tokens and TURN credentials early or late, and misdates the audit trail.
   *
   * @param ofRedis the time of day by Redis, read between `askedAt` by our clock and now
   */
  clock (ofRedis: number, askedAt: number): void {
    const differenceMs = Math.max(askedAt - ofRedis, ofRedis - this.#timers.timeOfDay())
    const isOff = differenceMs > maxClockDifferenceMs
    if (isOff && !this.#isClockOff) {
      this.#log.warn({ differenceMs: Math.round(differenceMs) }, 'the clock of this node differs from that of Redis: synchronize both')
    }
    this.#isClockOff = isOff
  }

  /** Redis may be told to delete keys when it is full. Ours hold who is where, and those that expire hold mail and rooms. */
  async eviction (): Promise<void> {
    const { client } = this.#link
    const servers = client instanceof Cluster ? client.nodes('master') : [client]
    const policies = await Promise.all(servers.map(policyOf))
    const policy = policies.find((policy) => policy !== 'noeviction') ?? ''
    if (policy !== '' && policy !== this.#policy) {
      this.#log.warn({ policy }, 'redis may delete peers, rooms and mail when it is full: set its maxmemory-policy to noeviction')
    }
    this.#policy = policy
  }
}

/** What a server does when it is full. `noeviction` if it does not say, too: an ACL may forbid to ask. */
export async function policyOf (client: Redis): Promise<string> {
  for (const ask of [
    async () => /^maxmemory_policy:(\S+)/m.exec(await client.info('memory'))?.[1],
    async () => (await client.config('GET', 'maxmemory-policy') as string[])[1]
  ]) {
    try {
      const policy = await ask()
      if (typeof policy === 'string') return policy
    } catch {
      // Forbidden, or the link is down: it is asked again when that is up.
    }
  }
  return 'noeviction'
}
