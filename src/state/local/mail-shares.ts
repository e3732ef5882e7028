import type { Mail, MailboxLimits } from '../contract.js'

/** The smallest share of a sender in a mailbox, in frames and bytes. */
const minMessages = 16
const minBytes = 65_536

/** Overhead of a kept frame in memory, and of the first frame of a sender in a mailbox. In bytes; measured, see docs/scaling.md. */
const letterBytes = 128
const batchBytes = 1152

export interface Share {
  /** Frames and bytes in one mailbox. */
  readonly messages: number
  readonly bytes: number
  /** Bytes on one node. */
  readonly total: number
}

/** The share of one sender, and the share of all senders of one origin together. */
export function sharesOf ({ maxMessages, maxBytes, totalBytes }: MailboxLimits): { sender: Share, origin: Share } {
  const share = (senders: number, ofMailbox: number, ofNode: number): Share => ({
    messages: Math.max(senders * minMessages, Math.floor(maxMessages * ofMailbox)),
    bytes: Math.max(senders * minBytes, Math.floor(maxBytes * ofMailbox)),
    total: Math.max(senders * minBytes, Math.floor(totalBytes * ofNode))
  })
  return { sender: share(1, 1 / 4, 1 / 8), origin: share(4, 7 / 8, 1 / 2) }
}

/** The memory of a text in V8, in bytes: one per character if all are Latin-1, else two. */
function textBytes (text: string, utf8Bytes: number): number {
  // eslint-disable-next-line no-control-regex -- all of Latin-1
  return text.length === utf8Bytes || /^[\u0000-\u00ff]*$/.test(text) ? text.length : 2 * text.length
}

/** The memory of a kept frame, in bytes. */
export function weightOf (text: string, utf8Bytes: number): number {
  return letterBytes + textBytes(text, utf8Bytes)
}

/** The additional memory of a sender's first frame for a receiver, in bytes: the mailbox, its names, a timer. */
export function weightOfFirst ({ room, from, to }: Pick<Mail, 'room' | 'from' | 'to'>): number {
  return batchBytes + 2 * (room.length + from.length + 2 * to.length)
}

type Payer = Pick<Mail, 'room' | 'from' | 'origin'>

/** The memory of this node's mail, in bytes: in total, by sender and by origin. */
export class MailAccounts {
  readonly #total: number
  readonly #shares: ReturnType<typeof sharesOf>
  readonly #bySender = new Map<string, number>()
  readonly #byOrigin = new Map<string, number>()
  #bytes = 0

  constructor (limits: MailboxLimits) {
    this.#total = limits.totalBytes
    this.#shares = sharesOf(limits)
  }

  get bytes (): number {
    return this.#bytes
  }

  get isFull (): boolean {
    return this.#bytes >= this.#total
  }

  /** Adds `bytes`. False, and nothing is added, when that exceeds the limit of the node, the sender or the origin. */
  take (payer: Payer, bytes: number): boolean {
    const ofSender = this.#bySender.get(senderOf(payer)) ?? 0
    const ofOrigin = payer.origin === undefined ? 0 : this.#byOrigin.get(payer.origin) ?? 0
    const { sender, origin } = this.#shares
    if (this.#bytes + bytes > this.#total || ofSender + bytes > sender.total || ofOrigin + bytes > origin.total) return false
    this.add(payer, bytes)
    return true
  }

  /** Adds `bytes` without a check. A negative number gives them back. */
  add (payer: Payer, bytes: number): void {
    this.#bytes += bytes
    count(this.#bySender, senderOf(payer), bytes)
    if (payer.origin !== undefined) count(this.#byOrigin, payer.origin, bytes)
  }
}

function senderOf ({ room, from }: Payer): string {
  return `${room}\n${from}`
}

function count (counts: Map<string, number>, key: string, change: number): void {
  const now = (counts.get(key) ?? 0) + change
  if (now > 0) counts.set(key, now)
  else counts.delete(key)
}
