import type { Mail, MailboxLimits } from '../contract.js'

/** Every sender may fill so much of a mailbox, however small a quarter of it is. */
const leastMessages = 16
const leastBytes = 65_536

/** What one kept frame takes in memory beside its text, and what the first of a sender in a mailbox takes once more. Measured: docs/scaling.md. */
const letterBytes = 128
const batchBytes = 1152

export interface Share {
  /** Frames and bytes in one mailbox. */
  readonly messages: number
  readonly bytes: number
  /** Bytes on one node. */
  readonly total: number
}

/** What one sender may fill, and what all senders of one origin together. */
export function sharesOf ({ maxMessages, maxBytes, totalBytes }: MailboxLimits): { sender: Share, origin: Share } {
  const share = (senders: number, ofMailbox: number, ofNode: number): Share => ({
    messages: Math.max(senders * leastMessages, Math.floor(maxMessages * ofMailbox)),
    bytes: Math.max(senders * leastBytes, Math.floor(maxBytes * ofMailbox)),
    total: Math.max(senders * leastBytes, Math.floor(totalBytes * ofNode))
  })
  return { sender: share(1, 1 / 4, 1 / 8), origin: share(4, 7 / 8, 1 / 2) }
}

/** What text takes in memory: two bytes for each unit, if any of them needs them. */
function textBytes (text: string, utf8Bytes: number): number {
  // eslint-disable-next-line no-control-regex -- all that fit into one byte
  return text.length === utf8Bytes || /^[\u0000-\u00ff]*$/.test(text) ? text.length : 2 * text.length
}

/** What a frame takes when it is kept. */
export function weightOf (text: string, utf8Bytes: number): number {
  return letterBytes + textBytes(text, utf8Bytes)
}

/** What the first frame of a sender for a receiver takes beside: the mailbox, its names, a timer. */
export function weightOfFirst ({ room, from, to }: Mail): number {
  return batchBytes + 2 * (room.length + from.length + 2 * to.length)
}

type Payer = Pick<Mail, 'room' | 'from' | 'origin'>

/** What waits for absent peers on this node, in bytes of memory, and whose it is. */
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

  /** Counts it. False when it is too much, for the node or for whoever sends it. */
  take (payer: Payer, bytes: number): boolean {
    const ofSender = this.#bySender.get(senderOf(payer)) ?? 0
    const ofOrigin = payer.origin === undefined ? 0 : this.#byOrigin.get(payer.origin) ?? 0
    if (this.#bytes + bytes > this.#total || ofSender + bytes > this.#shares.sender.total || ofOrigin + bytes > this.#shares.origin.total) return false
    this.add(payer, bytes)
    return true
  }

  /** Counts it, or with less than nothing gives it back. */
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
