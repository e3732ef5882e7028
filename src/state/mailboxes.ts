import type { Timer, Timers } from '../timers.js'
import { Frame, frameOf } from '../wire.js'
import type { Mail, MailboxLimits } from './contract.js'

interface Letter {
  from: string
  frame: Frame
  bytes: number
}

interface Mailbox {
  letters: Letter[]
  bytes: number
  /** One for each sender, started by its oldest letter. */
  timers: Map<string, Timer>
}

/** Frames waiting for absent peers of one process, bounded in count, bytes and time. */
export class Mailboxes {
  readonly #boxes = new Map<string, Mailbox>()
  readonly #timers: Timers
  readonly #limits: MailboxLimits
  readonly #onExpired: (mail: Mail) => void
  #totalBytes = 0

  /** @param onExpired told once for each sender and receiver, with the oldest of the letters that expired */
  constructor (timers: Timers, limits: MailboxLimits, onExpired: (mail: Mail) => void) {
    this.#timers = timers
    this.#limits = limits
    this.#onExpired = onExpired
  }

  get size (): number {
    return this.#boxes.size
  }

  get bytes (): number {
    return this.#totalBytes
  }

  /** False when a bound is reached. */
  keep (mail: Mail): boolean {
    const { from } = mail
    const { type, payload, byteLength: bytes } = frameOf(mail.frame)
    const key = keyOf(mail.room, mail.to)
    const box: Mailbox = this.#boxes.get(key) ?? { letters: [], bytes: 0, timers: new Map() }
    const { maxMessages, maxBytes, totalBytes } = this.#limits
    if (box.letters.length >= maxMessages || box.bytes + bytes > maxBytes || this.#totalBytes + bytes > totalBytes) return false
    this.#boxes.set(key, box)
    // Text of its own: bytes may be a part of a slab that they would keep alive, and there are many small ones.
    box.letters.push({ from, frame: new Frame(type, String(payload)), bytes })
    box.bytes += bytes
    this.#totalBytes += bytes
    if (!box.timers.has(from)) box.timers.set(from, this.#timers.schedule(mail.keepMs, () => this.#expire(key, box, mail)))
    return true
  }

  /** Empties the mailbox of a peer: its frames in the order they came. */
  take (room: string, to: string): Frame[] {
    const key = keyOf(room, to)
    const box = this.#boxes.get(key)
    if (box === undefined) return []
    this.#boxes.delete(key)
    this.#totalBytes -= box.bytes
    for (const timer of box.timers.values()) this.#timers.cancel(timer)
    return box.letters.map((letter) => letter.frame)
  }

  #expire (key: string, box: Mailbox, mail: Mail): void {
    box.timers.delete(mail.from)
    box.letters = box.letters.filter((letter) => {
      if (letter.from !== mail.from) return true
      box.bytes -= letter.bytes
      this.#totalBytes -= letter.bytes
      return false
    })
    if (box.letters.length === 0) this.#boxes.delete(key)
    this.#onExpired(mail)
  }
}

/** No id and no room name holds a control character. */
function keyOf (room: string, to: string): string {
  return `${room}\n${to}`
}
