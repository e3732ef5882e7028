import type { Timers } from '../../timing/timers.js'
import type { Peer, Watcher } from '../contract.js'

interface News {
  readonly kind: 'joined' | 'left'
  readonly peer: Peer
  /** The last join that may have named the peer: the news waits until it and those before it are answered. */
  readonly after: number
}

/**
 * Tells the watcher of a room who joins and leaves, in order. A leave waits until the joins under way whose welcome names the peer
 * have been answered, and what comes after it waits behind it.
 */
export class RoomNews {
  readonly #room: string
  readonly #watcher: () => Watcher | undefined
  readonly #timers: Timers
  /** Joins under way, by number, in the order they began. */
  readonly #naming = new Set<number>()
  readonly #waiting: News[] = []
  #last = 0
  #isTelling = false

  constructor (room: string, watcher: () => Watcher | undefined, timers: Timers) {
    this.#room = room
    this.#watcher = watcher
    this.#timers = timers
  }

  joined (peer: Peer): void {
    this.#add({ kind: 'joined', peer, after: 0 })
  }

  left (peer: Peer): void {
    this.#add({ kind: 'left', peer, after: this.#last })
  }

  /** A join will be welcomed with the members of now. Returns its number, for `answered`. */
  naming (): number {
    this.#naming.add(++this.#last)
    return this.#last
  }

  /** The join is being answered: whoever waits for the answer has it by the end of this turn of the event loop. */
  answering (join: number): void {
    this.#timers.afterTurn(() => this.#answered(join))
  }

  /** The join returns its answer at once. Only what a function it was given has caused waits for that. */
  returning (join: number): void {
    if (this.#waiting.length === 0) this.#naming.delete(join)
    else this.answering(join)
  }

  #answered (join: number): void {
    this.#naming.delete(join)
    this.#tell()
  }

  #add (news: News): void {
    this.#waiting.push(news)
    this.#tell()
  }

  #tell (): void {
    // What comes while the watcher is being told is told after it.
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      for (let [news] = this.#waiting; news !== undefined && this.#isDue(news); [news] = this.#waiting) {
        this.#waiting.shift()
        this.#watcher()?.[news.kind]?.(this.#room, news.peer)
      }
    } finally {
      this.#isTelling = false
    }
  }

  #isDue ({ after }: News): boolean {
    const [oldest = Infinity] = this.#naming
    return oldest > after
  }
}
