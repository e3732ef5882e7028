import { Frame, frameOf } from '../../frame/bytes.js'
import type { Timer, Timers } from '../../timing/timers.js'
import type { Mail, MailboxLimits } from '../contract.js'
import { MailAccounts, sharesOf, weightOf, weightOfFirst } from './mail-shares.js'

/** Mail without its frame. Its sender is notified with `expired`, or as the one who discards it sees fit. */
export type Kept = Omit<Mail, 'frame' | 'expired'> & { readonly expired?: Mail['expired'] }

/** The frames of one sender in one mailbox. They expire together, with the oldest. */
interface Batch {
  readonly mail: Kept
  /** Undefined if it does not expire. */
  readonly timer: Timer | undefined
  count: number
  bytes: number
  /** Its memory, in bytes. */
  weight: number
}

interface Letter {
  readonly batch: Batch
  readonly frame: Frame
}

interface Mailbox {
  letters: Letter[]
  batches: Batch[]
  bytes: number
}

/** The mail of one process: frames for absent peers, limited in number, bytes and time, per sender and in total. */
export class Mailboxes {
  readonly #boxes = new Map<string, Mailbox>()
  readonly #timers: Timers
  readonly #limits: MailboxLimits
  readonly #shares: ReturnType<typeof sharesOf>
  readonly #accounts: MailAccounts
  readonly #onExpired: (mail: Kept) => void
  #bytes = 0

  /** @param onExpired called once for each sender and receiver */
  constructor (timers: Timers, limits: MailboxLimits, onExpired: (mail: Kept) => void) {
    this.#timers = timers
    this.#limits = limits
    this.#shares = sharesOf(limits)
    this.#accounts = new MailAccounts(limits)
    this.#onExpired = onExpired
  }

  get size (): number {
    return this.#boxes.size
  }

  /** Bytes of all frames. */
  get bytes (): number {
    return this.#bytes
  }

  /** Memory of all mail, in bytes. */
  get weight (): number {
    return this.#accounts.bytes
  }

  /** Keeps a frame. False when a limit is reached. */
  keep (mail: Kept & Pick<Mail, 'frame'>): boolean {
    const key = keyOf(mail.room, mail.to)
    const box: Mailbox = this.#boxes.get(key) ?? { letters: [], batches: [], bytes: 0 }
    const { type, payload, byteLength: bytes } = frameOf(mail.frame)
    const known = box.batches.find((batch) => batch.mail.from === mail.from)
    if (!this.#hasRoom(box, known, mail, bytes)) return false
    // Copied to a text: the bytes may be a slice of a slab, which they would keep alive.
    const text = String(payload)
    const weight = weightOf(text, bytes) + (known === undefined ? weightOfFirst(mail) : 0)
    const payer = known?.mail ?? mail
    if (!this.#accounts.take(payer, weight)) return false
    this.#boxes.set(key, box)
    const batch = known ?? this.#begin(key, box, mail)
    batch.count++
    batch.bytes += bytes
    batch.weight += weight
    box.letters.push({ batch, frame: new Frame(type, text) })
    box.bytes += bytes
    this.#bytes += bytes
    return true
  }

  #hasRoom (box: Mailbox, known: Batch | undefined, { origin }: Kept, bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#limits
    if (box.letters.length >= maxMessages || box.bytes + bytes > maxBytes) return false
    const { sender, origin: ofOrigin } = this.#shares
    if ((known?.count ?? 0) >= sender.messages || (known?.bytes ?? 0) + bytes > sender.bytes) return false
    if (origin === undefined || (box.letters.length < ofOrigin.messages && box.bytes + bytes <= ofOrigin.bytes)) return true
    const theirs = box.batches.filter(({ mail }) => mail.origin === origin)
    return sum(theirs, ({ count }) => count) < ofOrigin.messages && sum(theirs, ({ bytes }) => bytes) + bytes <= ofOrigin.bytes
  }

  /** Begins a batch. It must not keep a reference to the frame. */
  #begin (key: string, box: Mailbox, { frame, ...mail }: Kept & Pick<Mail, 'frame'>): Batch {
    const timer = mail.keepMs === Infinity ? undefined : this.#timers.schedule(mail.keepMs, () => this.#expire(key, box, batch))
    const batch: Batch = { mail, timer, count: 0, bytes: 0, weight: 0 }
    box.batches.push(batch)
    return batch
  }

  /** Empties a mailbox and returns its frames, in the order they came. One with frames of the sender `except` stays as it is. */
  take (room: string, to: string, except?: string): Frame[] {
    const key = keyOf(room, to)
    const box = this.#boxes.get(key)
    if (box === undefined || box.batches.some(({ mail }) => mail.from === except)) return []
    this.#empty(key, box)
    return box.letters.map(({ frame }) => frame)
  }

  /** Empties a mailbox, and returns whose mail was in it. */
  discard (room: string, to: string): string[] {
    const key = keyOf(room, to)
    const box = this.#boxes.get(key)
    if (box === undefined) return []
    this.#empty(key, box)
    return box.batches.map(({ mail }) => mail.from)
  }

  #empty (key: string, box: Mailbox): void {
    this.#boxes.delete(key)
    this.#bytes -= box.bytes
    for (const { mail, timer, weight } of box.batches) {
      this.#timers.cancel(timer)
      this.#accounts.add(mail, -weight)
    }
  }

  /** Drops what a sender has left in a mailbox. Nobody is told. */
  drop (room: string, to: string, from: string): void {
    const key = keyOf(room, to)
    const box = this.#boxes.get(key)
    const batch = box?.batches.find(({ mail }) => mail.from === from)
    if (box !== undefined && batch !== undefined) this.#remove(key, box, batch)
  }

  #expire (key: string, box: Mailbox, batch: Batch): void {
    this.#remove(key, box, batch)
    this.#onExpired(batch.mail)
  }

  #remove (key: string, box: Mailbox, batch: Batch): void {
    this.#timers.cancel(batch.timer)
    box.batches = box.batches.filter((other) => other !== batch)
    box.letters = box.letters.filter((letter) => letter.batch !== batch)
    box.bytes -= batch.bytes
    this.#bytes -= batch.bytes
    this.#accounts.add(batch.mail, -batch.weight)
    if (box.batches.length === 0) this.#boxes.delete(key)
  }
}

function sum<Item> (items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

/** Unique: ids and room names contain no control characters. */
function keyOf (room: string, to: string): string {
  return `${room}\n${to}`
}
