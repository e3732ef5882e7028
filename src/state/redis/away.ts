import type { Log } from '../../telemetry/log.js'
import type { Timers } from '../../timing/timers.js'
import { inBatches } from './in-batches.js'
import { orIfDown, type RedisNode } from './node.js'
import type { LocalRooms } from './rooms.js'
import { due, forgetAway } from './scripts/away.js'
import { leave } from './scripts/membership.js'

/** How many are looked up at a time. */
const atOnce = 200
/** A grace has ended by so much later, by the clock of Redis. In ms. */
const marginMs = 10
/** Those whose graces end within this time leave together: a node that drains has thousands at once. In ms. */
const togetherMs = 100

export interface AwayParts {
  readonly node: RedisNode
  readonly rooms: LocalRooms
  readonly timers: Timers
  readonly log: Log
}

/**
 * Makes those leave whose grace has ended, whichever node they were on. Every node with such peers looks for them; each peer is removed,
 * and announced, by one of them.
 */
export class Away {
  readonly #node: RedisNode
  readonly #rooms: LocalRooms
  readonly #timers: Timers
  readonly #log: Log
  /** There are peers with a grace. */
  #isUsed = false
  /** When it will be looked for those whose grace has ended, in units of `togetherMs`. */
  readonly #expected = new Set<number>()

  constructor ({ node, rooms, timers, log }: AwayParts) {
    this.#node = node
    this.#rooms = rooms
    this.#timers = timers
    this.#log = log
  }

  /** A peer with a grace has joined here. */
  use (): void {
    this.#isUsed = true
  }

  /** A grace ends in so many ms. */
  expect (ms: number): void {
    const now = this.#timers.now()
    const unit = Math.ceil((now + ms + marginMs) / togetherMs)
    if (this.#expected.has(unit)) return
    this.#expected.add(unit)
    this.#timers.schedule(unit * togetherMs - now, () => {
      this.#expected.delete(unit)
      this.sweep().catch((error: unknown) => this.#log.error({ err: error }, 'peers that were away'))
    })
  }

  async sweep (): Promise<void> {
    if (!this.#isUsed) return
    try {
      await inBatches(this.#node.link.keys.tags, async (tag) => await this.#sweepSlot(this.#node.link.keys.awayOf(tag)))
    } catch (error) {
      orIfDown(error, undefined)
    }
  }

  async #sweepSlot (awayKey: string): Promise<void> {
    const { run, link } = this.#node
    for (let count = atOnce; count === atOnce;) {
      const entries = await due(run, awayKey, atOnce)
      count = entries.length
      await inBatches(entries, async (entry) => {
        const isWatched = this.#rooms.watcherOf(entry.room) !== undefined
        const { hasLeft } = await leave(run, link.keys.of(entry.room), { ...entry, isWatched, isExpiry: true })
        if (!hasLeft) await forgetAway(run, link.keys.of(entry.room), entry)
      })
    }
  }
}
