import type { Sender } from '../state/contract.js'
import type { Timer, Timers } from '../timing/timers.js'
import { Backlog } from './backlog.js'
import type { ConnectionHost } from './host.js'
import type { SocketWriter } from './writer.js'

/** How often it is checked whether the client reads. In ms. */
const checkEveryMs = 1_000
/** A client that has read nothing for this long is closed. In ms. */
const maxStallMs = 5_000

export interface SlowConsumerEvents {
  /** The client has caught up: the watch is over. */
  readonly onCaughtUp: () => void
  /** Closes the client, which has read nothing for too long, or for which more waits than may. */
  readonly close: () => void
}

/** Watches a client that reads slowly, from when half of `maxBuffered` waits until it has caught up. Made when that happens first. */
export class SlowConsumer {
  readonly #writer: SocketWriter
  readonly #timers: Timers
  readonly #maxBuffered: number
  readonly #events: SlowConsumerEvents
  readonly #backlog: Backlog
  #timer: Timer | undefined
  #progress: number
  #progressAt: number
  #isCut = false

  constructor (writer: SocketWriter, { timers, limits: { maxBuffered } }: ConnectionHost, events: SlowConsumerEvents) {
    this.#writer = writer
    this.#timers = timers
    this.#maxBuffered = maxBuffered
    this.#events = events
    // One large frame may exceed the bound, and leaves room for others.
    this.#backlog = new Backlog(Math.max(maxBuffered, writer.waiting + maxBuffered / 4))
    this.#progress = writer.progress
    this.#progressAt = timers.now()
    this.#watch()
  }

  /** The server's own frames have exceeded what may wait: it takes no more, and is about to be closed. */
  get isCut (): boolean {
    return this.#isCut
  }

  /** Takes a frame into its sender's share, or refuses it. Frames of the server itself, without a sender, close the client instead. */
  hasRoomFor (bytes: number, from: Sender | undefined): boolean {
    const { waiting, written, gone } = this.#writer
    if (from !== undefined) {
      this.#backlog.release(gone)
      return this.#backlog.take(from, bytes, { waiting, end: written + bytes })
    }
    if (waiting <= this.#backlog.capacity) return true
    // Not closed now: its leave is sent to others, who may be as slow, and theirs again to others.
    this.#isCut = true
    setImmediate(this.#events.close)
    return false
  }

  #watch (): void {
    const { onCaughtUp, close } = this.#events
    this.#timer = this.#timers.schedule(checkEveryMs, () => {
      const { waiting, progress } = this.#writer
      if (waiting <= this.#maxBuffered / 2) return onCaughtUp()
      const now = this.#timers.now()
      if (progress !== this.#progress) {
        this.#progress = progress
        this.#progressAt = now
      } else if (now - this.#progressAt >= maxStallMs) {
        return close()
      }
      this.#watch()
    })
  }

  end (): void {
    this.#timers.cancel(this.#timer)
  }
}
