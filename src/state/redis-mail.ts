import type { Timer, Timers } from '../timers.js'
import type { Mail } from './contract.js'

/** What one sender has put into one mailbox, from here, since it was last found or expired. */
interface Batch {
  readonly mail: Mail
  /** Whether it began here, and is expired from here. */
  readonly isOurs: boolean
  readonly timer: Timer
  bytes: number
}

/** The mail that this node has put into Redis: how much it is, and when it expires. */
export class KeptMail {
  readonly #timers: Timers
  readonly #maxBytes: number
  readonly #onDue: (mail: Mail, batch: string) => void
  readonly #batches = new Map<string, Batch>()
  #bytes = 0

  /** @param onDue told when a batch that began here has been kept for its time */
  constructor (timers: Timers, maxBytes: number, onDue: (mail: Mail, batch: string) => void) {
    this.#timers = timers
    this.#maxBytes = maxBytes
    this.#onDue = onDue
  }

  /** How many mailboxes it is in. */
  get size (): number {
    return new Set([...this.#batches.values()].map(({ mail: { room, to } }) => `${room}\n${to}`)).size
  }

  get bytes (): number {
    return this.#bytes
  }

  hasRoomFor (bytes: number): boolean {
    return this.#bytes + bytes <= this.#maxBytes
  }

  /** A frame was kept in a batch, which began with it here or had begun before, here or elsewhere. */
  add (mail: Mail, bytes: number, name: string, begins: boolean): void {
    this.#bytes += bytes
    const batch = this.#batches.get(name)
    if (batch !== undefined) {
      batch.bytes += bytes
      return
    }
    const timer = this.#timers.schedule(mail.keepMs, () => {
      this.forget(name)
      if (begins) this.#onDue(mail, name)
    })
    this.#batches.set(name, { mail, isOurs: begins, timer, bytes })
  }

  /** Redis has lost all of it: forgets it, and answers what each batch that began here began with. */
  lose (): Mail[] {
    const lost = [...this.#batches.values()].filter(({ isOurs }) => isOurs).map(({ mail }) => mail)
    for (const name of [...this.#batches.keys()]) this.forget(name)
    return lost
  }

  /** Somebody has found the batch, or it has expired. */
  forget (name: string): void {
    const batch = this.#batches.get(name)
    if (batch === undefined) return
    this.#batches.delete(name)
    this.#timers.cancel(batch.timer)
    this.#bytes -= batch.bytes
  }
}
