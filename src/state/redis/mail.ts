import { Frame, frameOf } from '../../frame/bytes.js'
import type { Timer, Timers } from '../../timing/timers.js'
import type { Mail, MailboxLimits } from '../contract.js'
import { MailAccounts, weightOf, weightOfFirst } from '../local/mail-shares.js'
import type { Kept } from '../local/mailboxes.js'
import { anybody } from '../local/room-mail.js'

/** The beginning of a kept frame. This server wrote the frame, or checked that a client's frame begins like this. */
const typePattern = /^\{"type": ?"([^"\\]{1,64})"/
const maxPatternBytes = 80

/** A frame from a mailbox in Redis. */
export function keptFrame (bytes: Buffer): Frame {
  const [, type = 'other'] = typePattern.exec(bytes.toString('latin1', 0, maxPatternBytes)) ?? []
  return new Frame(type, bytes)
}

/** Mail with its frame. */
type Unsent = Kept & Pick<Mail, 'frame'>

function weightIn (mail: Unsent): number {
  const { payload, byteLength } = frameOf(mail.frame)
  return weightOf(String(payload), byteLength) + weightOfFirst(mail)
}

/** Frames of one sender in one mailbox, sent from this node since the mailbox was last emptied or expired. */
interface Batch {
  readonly mail: Kept
  /** Whether it began on this node, which then expires it. */
  readonly isOurs: boolean
  /** Undefined if it does not expire. */
  readonly timer: Timer | undefined
  bytes: number
  /** Its memory, in bytes. */
  weight: number
}

/** Redis answers that a frame is kept so long after it has told that the frame was found, at most. In ms. */
const answerMs = 5_000

/** The accounts of the mail that this node has put into Redis: its size, its senders, its expiry. */
export class KeptMail {
  readonly #timers: Timers
  readonly #accounts: MailAccounts
  readonly #onDue: (mail: Kept, batch: string) => void
  readonly #batches = new Map<string, Batch>()
  /** The batches that rooms keep for the first who joins, by sender. */
  readonly #forAnybody = new Map<string, Set<string>>()
  /** Batches that were found before Redis has answered that it keeps them: the answer comes on another connection. */
  readonly #foundEarly = new Set<string>()

  /** @param onDue called when a batch that began on this node expires */
  constructor (timers: Timers, limits: MailboxLimits, onDue: (mail: Kept, batch: string) => void) {
    this.#timers = timers
    this.#accounts = new MailAccounts(limits)
    this.#onDue = onDue
  }

  /** The number of mailboxes. */
  get size (): number {
    return new Set([...this.#batches.values()].map(({ mail: { room, to } }) => `${room}\n${to}`)).size
  }

  /** Each batch, by its name, with its first mail. */
  get all (): ReadonlyArray<readonly [name: string, mail: Kept]> {
    return [...this.#batches].map(([name, { mail }]) => [name, mail])
  }

  /** Bytes of all frames. */
  get bytes (): number {
    return [...this.#batches.values()].reduce((total, { bytes }) => total + bytes, 0)
  }

  /**
   * Reserves memory for a frame before Redis is asked to keep it, so concurrent frames cannot exceed a limit. Returns the weight, to be
   * given back if the frame is not kept, or undefined when a limit is reached.
   */
  reserve (mail: Unsent): number | undefined {
    const weight = weightIn(mail)
    return this.#accounts.take(mail, weight) ? weight : undefined
  }

  /** Whether nothing more may be kept. */
  get isFull (): boolean {
    return this.#accounts.isFull
  }

  /** Accounts for a frame that Redis has kept for a peer that is away. It is kept before anybody is asked, so the next may be refused. */
  addForAway (mail: Unsent, name: string): void {
    const weight = weightIn(mail)
    this.#accounts.add(mail, weight)
    this.add(mail, weight, name, true)
  }

  giveBack (mail: Unsent, weight: number): void {
    this.#accounts.add(mail, -weight)
  }

  /** Accounts for a kept frame. `begins`: the frame began the batch; otherwise it had begun earlier, on this node or another. */
  add (mail: Unsent, weight: number, name: string, begins: boolean): void {
    if (this.#foundEarly.has(name)) return this.giveBack(mail, weight)
    const { byteLength: bytes } = frameOf(mail.frame)
    const batch = this.#batches.get(name)
    if (batch !== undefined) {
      // It is not the first frame of the batch, whose first frame may have had another origin.
      const more = weight - weightOfFirst(mail)
      this.#accounts.add(mail, -weight)
      this.#accounts.add(batch.mail, more)
      batch.weight += more
      batch.bytes += bytes
      return
    }
    const { frame, ...kept } = mail
    const timer = mail.keepMs === Infinity
      ? undefined
      : this.#timers.schedule(mail.keepMs, () => {
        this.forget(name)
        if (begins && kept.expired !== undefined) this.#onDue(kept, name)
      })
    this.#batches.set(name, { mail: kept, isOurs: begins, timer, bytes, weight })
    if (mail.to !== anybody) return
    const sender = senderOf(mail)
    const theirs = this.#forAnybody.get(sender)
    if (theirs === undefined) this.#forAnybody.set(sender, new Set([name]))
    else theirs.add(name)
  }

  /** Forgets all mail, which Redis has lost. Returns the first mail of each batch that began on this node. */
  lose (): Kept[] {
    const lost = [...this.#batches.values()].filter(({ isOurs }) => isOurs).map(({ mail }) => mail)
    for (const name of [...this.#batches.keys()]) this.forget(name)
    return lost
  }

  /** Another node has delivered a batch. */
  found (name: string): void {
    if (this.#batches.has(name)) return this.forget(name)
    this.#foundEarly.add(name)
    this.#timers.schedule(answerMs, () => this.#foundEarly.delete(name))
  }

  /** Forgets a batch that was delivered or has expired. */
  forget (name: string): void {
    const batch = this.#batches.get(name)
    if (batch === undefined) return
    this.#batches.delete(name)
    this.#timers.cancel(batch.timer)
    this.#accounts.add(batch.mail, -batch.weight)
    const theirs = this.#forAnybody.get(senderOf(batch.mail))
    if (theirs?.delete(name) === true && theirs.size === 0) this.#forAnybody.delete(senderOf(batch.mail))
  }

  /** Forgets what a room kept of a sender for the first who joins. Returns the first mail of it, if any. */
  forgetOf (room: string, from: string): Kept | undefined {
    let first: Kept | undefined
    for (const name of [...this.#forAnybody.get(senderOf({ room, from })) ?? []]) {
      first ??= this.#batches.get(name)?.mail
      this.forget(name)
    }
    return first
  }
}

/** Unique: ids and room names contain no control characters. */
function senderOf ({ room, from }: Pick<Kept, 'room' | 'from'>): string {
  return `${room}\n${from}`
}
