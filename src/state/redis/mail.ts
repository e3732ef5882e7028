import type { Timer, Timers } from '../../timing/timers.js'
import { Frame, frameOf } from '../../frame/bytes.js'
import type { Mail, MailboxLimits } from '../contract.js'
import { MailAccounts, weightOf, weightOfFirst } from '../local/mail-shares.js'
import type { Kept } from '../local/mailboxes.js'

/** How a kept frame begins: it is of our own writing, or of a client's that was checked to begin so. */
const typeSign = /^\{"type": ?"([^"\\]{1,64})"/
const maxSignBytes = 80

/** A frame as a mailbox in Redis held it. */
export function keptFrame (bytes: Buffer): Frame {
  const [, type = 'other'] = typeSign.exec(bytes.toString('latin1', 0, maxSignBytes)) ?? []
  return new Frame(type, bytes)
}

/** What one sender has put into one mailbox, from here, since it was last found or expired. */
interface Batch {
  readonly mail: Kept
  /** Whether it began here, and is expired from here. */
  readonly isOurs: boolean
  readonly timer: Timer
  bytes: number
  /** What it takes in memory. */
  weight: number
}

/** The mail that this node has put into Redis: how much it is, whose, and when it expires. */
export class KeptMail {
  readonly #timers: Timers
  readonly #accounts: MailAccounts
  readonly #onDue: (mail: Kept, batch: string) => void
  readonly #batches = new Map<string, Batch>()

  /** @param onDue told when a batch that began here has been kept for its time */
  constructor (timers: Timers, limits: MailboxLimits, onDue: (mail: Kept, batch: string) => void) {
    this.#timers = timers
    this.#accounts = new MailAccounts(limits)
    this.#onDue = onDue
  }

  /** How many mailboxes it is in. */
  get size (): number {
    return new Set([...this.#batches.values()].map(({ mail: { room, to } }) => `${room}\n${to}`)).size
  }

  /** Of all frames. */
  get bytes (): number {
    return [...this.#batches.values()].reduce((total, { bytes }) => total + bytes, 0)
  }

  /**
   * Counts a frame before Redis is asked to keep it, so that many at once are no more than one after the other. Answers what it takes, to
   * be given back if it is not kept; undefined when it is too much.
   */
  reserve (mail: Mail): number | undefined {
    const { payload, byteLength } = frameOf(mail.frame)
    const weight = weightOf(String(payload), byteLength) + weightOfFirst(mail)
    return this.#accounts.take(mail, weight) ? weight : undefined
  }

  giveBack (mail: Mail, weight: number): void {
    this.#accounts.add(mail, -weight)
  }

  /** A frame was kept in a batch, which began with it here or had begun before, here or elsewhere. */
  add (mail: Mail, weight: number, name: string, begins: boolean): void {
    const { byteLength: bytes } = frameOf(mail.frame)
    const batch = this.#batches.get(name)
    if (batch !== undefined) {
      // It is not the first, and the batch's sender may have been somebody else's.
      const more = weight - weightOfFirst(mail)
      this.#accounts.add(mail, -weight)
      this.#accounts.add(batch.mail, more)
      batch.weight += more
      batch.bytes += bytes
      return
    }
    const { frame, ...kept } = mail
    const timer = this.#timers.schedule(mail.keepMs, () => {
      this.forget(name)
      if (begins) this.#onDue(kept, name)
    })
    this.#batches.set(name, { mail: kept, isOurs: begins, timer, bytes, weight })
  }

  /** Redis has lost all of it: forgets it, and answers what each batch that began here began with. */
  lose (): Kept[] {
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
    this.#accounts.add(batch.mail, -batch.weight)
  }
}
