import type { Timer, Timers } from './timers.js'

/** A source that nobody has read for so long is left alone. In ms. */
const unreadMs = 3_000
/** Records that wait for a reader. */
const maxRecords = 1_000

/** What came since a reader's last look. */
export interface TailPart<T> {
  readonly records: readonly T[]
  /** Where the next look begins. */
  readonly cursor: number
  /** Records that came and are lost to this reader, because it looks too rarely. */
  readonly omitted: number
}

/** The newest records of a source that is listened to only while somebody reads. Each reader keeps its own place. */
export class Tail<T> {
  readonly #timers: Timers
  readonly #start: (tell: (record: T) => void) => () => void
  readonly #onStop: () => void
  readonly #records: T[] = []
  #count = 0
  #stop: (() => void) | undefined
  #readAt = 0
  #timer: Timer | undefined

  /** @param start listens to the source, and answers how to stop that */
  constructor (timers: Timers, start: (tell: (record: T) => void) => () => void, onStop: () => void = () => {}) {
    this.#timers = timers
    this.#start = start
    this.#onStop = onStop
  }

  /** What came since `cursor`; without one, from now on. */
  read (cursor = this.#count): TailPart<T> {
    this.#readAt = this.#timers.now()
    if (this.#stop === undefined) {
      this.#stop = this.#start((record) => this.#add(record))
      this.#scheduleCheck()
    }
    const first = this.#count - this.#records.length
    // A cursor of another tail, before a pause, is past the end.
    const from = cursor > this.#count ? first : cursor
    const omitted = Math.max(0, first - from)
    return { records: this.#records.slice(from + omitted - first), cursor: this.#count, omitted }
  }

  stop (): void {
    if (this.#stop === undefined) return
    this.#timers.cancel(this.#timer)
    this.#stop()
    this.#stop = undefined
    this.#records.length = 0
    this.#onStop()
  }

  #add (record: T): void {
    this.#count++
    this.#records.push(record)
    if (this.#records.length > maxRecords) this.#records.shift()
  }

  #scheduleCheck (): void {
    this.#timer = this.#timers.schedule(unreadMs, () => {
      if (this.#timers.now() - this.#readAt < unreadMs) this.#scheduleCheck()
      else this.stop()
    })
  }
}
