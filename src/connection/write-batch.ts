/** What holds what is written to it until it is told to `uncork`, when the turn is over. */
export interface Corked {
  uncork: (turn: WriteBatch) => void
}

/**
 * A turn of the event loop, within which frames are gathered. Those for many sockets are kept once, in the order they were said:
 * each socket remembers only from which to which it is to have, and is given them as one piece.
 */
export class WriteBatch {
  readonly #corked: Corked[] = []
  readonly #frames: Buffer[] = []
  /** Bytes of all frames before each, and of all. */
  readonly #starts: number[] = [0]
  /** What was asked for last, which those who were told the same ask for next. */
  #piece: Buffer | undefined
  #from = 0
  #to = 0

  /** Tells it to `uncork` once the turn is over. */
  cork (corked: Corked): void {
    this.#corked.push(corked)
  }

  end (): void {
    for (const corked of this.#corked) corked.uncork(this)
  }

  /** The number of a frame for many: one for all that are given the same bytes, one after the other. */
  add (frame: Buffer): number {
    const last = this.#frames.length - 1
    if (this.#frames[last] === frame) return last
    this.#starts.push((this.#starts[last + 1] as number) + frame.length)
    return this.#frames.push(frame) - 1
  }

  frame (number: number): Buffer {
    return this.#frames[number] as Buffer
  }

  /** Bytes of the frames from one number up to another. */
  bytes (from: number, to: number): number {
    return (this.#starts[to] as number) - (this.#starts[from] as number)
  }

  /** The frames from one number up to another, as one. Of nothing else, or a slow reader would keep alive what others are told. */
  slice (from: number, to: number): Buffer {
    if (to - from === 1) return this.frame(from)
    if (this.#piece === undefined || this.#from !== from || this.#to !== to) {
      this.#piece = Buffer.concat(this.#frames.slice(from, to), this.bytes(from, to))
      this.#from = from
      this.#to = to
    }
    return this.#piece
  }
}
