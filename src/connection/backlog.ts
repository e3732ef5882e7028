import type { Sender } from '../state/contract.js'

/** The share of the free bytes that one sender may have waiting. */
const shareOfSender = 1 / 4
/** And that all senders of one network may have together. */
const shareOfNetwork = 1 / 2

interface Piece {
  readonly from: Sender
  readonly network: string | undefined
  bytes: number
  /** Where it ends among all bytes written to the socket. */
  end: number
}

/**
 * The bytes that wait for a client that reads slowly, by sender. A sender may have a share of the free bytes waiting. The more it has, the
 * less it may add, so it is refused while there is still room for another.
 *
 * @see https://doi.org/10.1109/90.664262 Choudhury and Hahne, Dynamic queue length thresholds for shared-memory packet switches
 */
export class Backlog {
  /** Bytes that may wait. */
  readonly capacity: number
  readonly #bySender = new Map<Sender, number>()
  readonly #byNetwork = new Map<string, number>()
  /** In the order in which they are read; those before `#first` are done. */
  #pieces: Piece[] = []
  #first = 0

  constructor (capacity: number) {
    this.capacity = capacity
  }

  /**
   * Takes a frame, or refuses it.
   *
   * @param waiting bytes that wait before it
   * @param end where it ends among all bytes written to the socket
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

  /** Gives back to senders what no longer waits: the first `gone` of all bytes written to the socket. */
  release (gone: number): void {
    for (let piece = this.#pieces[this.#first]; piece !== undefined && piece.end <= gone; piece = this.#pieces[++this.#first]) {
      this.#count(piece.from, piece.network, -piece.bytes)
    }
    // Done pieces are dropped when they are more than the rest, so that each piece is moved once on average.
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
