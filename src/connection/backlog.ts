import type { Sender } from '../state/contract.js'

/** Of what is free, a sender may have so much waiting, and all senders of its network together. */
const shareOfSender = 1 / 4
const shareOfNetwork = 1 / 2

interface Piece {
  readonly from: Sender
  readonly network: string | undefined
  bytes: number
  /** Of all bytes written to the socket, how many there are up to its end. */
  end: number
}

/**
 * What waits for a client that reads slowly, by who sent it. A sender may have a share of what is free waiting: the more there
 * is, the less it may add, so it is refused while there is still room for another.
 *
 * @see https://doi.org/10.1109/90.664262 Choudhury and Hahne, Dynamic queue length thresholds for shared-memory packet switches
 */
export class Backlog {
  /** Bytes that may wait. */
  readonly capacity: number
  readonly #bySender = new Map<Sender, number>()
  readonly #byNetwork = new Map<string, number>()
  /** In the order in which they go, from `#first` on. */
  #pieces: Piece[] = []
  #first = 0

  constructor (capacity: number) {
    this.capacity = capacity
  }

  /**
   * Takes a frame, or refuses it.
   *
   * @param waiting bytes before it
   * @param end of all bytes written to the socket, how many there are with it
   */
  take (from: Sender, bytes: number, { waiting, end }: { waiting: number, end: number }): boolean {
    const free = this.capacity - waiting
    const network = typeof from === 'string' ? undefined : from.network
    if (bytes + (this.#bySender.get(from) ?? 0) > free * shareOfSender) return false
    if (network !== undefined && bytes + (this.#byNetwork.get(network) ?? 0) > free * shareOfNetwork) return false
    this.#count(from, network, bytes)
    const last = this.#pieces.at(-1)
    if (last?.from === from && this.#pieces.length > this.#first) {
      last.bytes += bytes
      last.end = end
    } else {
      this.#pieces.push({ from, network, bytes, end })
    }
    return true
  }

  /** So many of all bytes written to the socket do not wait any more. */
  release (gone: number): void {
    for (let piece = this.#pieces[this.#first]; piece !== undefined && piece.end <= gone; piece = this.#pieces[++this.#first]) {
      this.#count(piece.from, piece.network, -piece.bytes)
    }
    // What is done with goes when it is more than the rest: each piece is moved once on the average.
    if (this.#first <= this.#pieces.length / 2) return
    this.#pieces = this.#pieces.slice(this.#first)
    this.#first = 0
  }

  #count (from: Sender, network: string | undefined, bytes: number): void {
    add(this.#bySender, from, bytes)
    if (network !== undefined) add(this.#byNetwork, network, bytes)
  }
}

function add<Key> (counts: Map<Key, number>, key: Key, bytes: number): void {
  const count = (counts.get(key) ?? 0) + bytes
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}
