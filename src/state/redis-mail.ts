import type { Timer, Timers } from '../timers.js'
import type { Mail } from './contract.js'

/** What one sender has put into one mailbox. */
interface Batch {
  /** Its first frame's, when it began here. */
  readonly mail: Mail | undefined
  bytes: number
  timer: Timer
}

/** The mail that this node has put into Redis: how much it is, and when it expires. */
export class KeptMail {
  readonly #timers: Timers
  readonly #maxBytes: number
  readonly #onDue: (mail: Mail, batch: string) => void
  /** By mailbox, then by sender. */
  readonly #boxes = new Map<string, Map<string, Batch>>()
  #bytes = 0

  /** @param onDue told when a batch that began here has been kept for its time */
  constructor (timers: Timers, maxBytes: number, onDue: (mail: Mail, batch: string) => void) {
    this.#timers = timers
    this.#maxBytes = maxBytes
    this.#onDue = onDue
  }

  get size (): number {
    return this.#boxes.size
  }

  get bytes (): number {
    return this.#bytes
  }

  hasRoomFor (bytes: number): boolean {
    return this.#bytes + bytes <= this.#maxBytes
  }

  /** @param name of the batch when this frame began it; undefined when it had begun before, here or elsewhere */
  add (mail: Mail, bytes: number, name: string | undefined): void {
    const key = keyOf(mail.room, mail.to)
    const box = this.#boxes.get(key) ?? new Map<string, Batch>()
    const known = name === undefined ? box.get(mail.from) : undefined
    this.#bytes += bytes
    if (known !== undefined) {
      known.bytes += bytes
      return
    }
    const batch: Batch = {
      mail: name === undefined ? undefined : mail,
      bytes,
      timer: this.#timers.schedule(mail.keepMs, () => {
        this.#drop(key, mail.from, batch)
        if (name !== undefined) this.#onDue(mail, name)
      })
    }
    this.#boxes.set(key, box.set(mail.from, batch))
  }

  /** Redis has lost all of it: forgets it, and answers what each batch that began here began with. */
  lose (): Mail[] {
    const lost: Mail[] = []
    for (const [key, box] of this.#boxes) {
      for (const [from, batch] of box) {
        this.#timers.cancel(batch.timer)
        if (batch.mail !== undefined) lost.push(batch.mail)
        this.#drop(key, from, batch)
      }
    }
    return lost
  }

  /** Somebody has found it. */
  forget (room: string, to: string): void {
    const key = keyOf(room, to)
    for (const [from, batch] of this.#boxes.get(key) ?? []) {
      this.#timers.cancel(batch.timer)
      this.#drop(key, from, batch)
    }
  }

  #drop (key: string, from: string, batch: Batch): void {
    const box = this.#boxes.get(key)
    this.#bytes -= batch.bytes
    if (box?.get(from) === batch) box.delete(from)
    if (box?.size === 0) this.#boxes.delete(key)
  }
}

function keyOf (room: string, to: string): string {
  return `${room}\n${to}`
}
