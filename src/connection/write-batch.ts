/** Holds what is written to it until `uncork`. A socket does, too. */
export interface Corked {
  uncork: (batch: WriteBatch) => void
}

/**
 * The frames of one iteration of the event loop. Broadcast frames are kept once, in order: each socket remembers only the range that it
 * must write, and gets it as one buffer.
 */
export class WriteBatch {
  readonly #corked: Corked[] = []
  readonly #frames: Buffer[] = []
  /** Bytes before each frame, and at last of all. */
  readonly #starts: number[] = [0]
  /** The last slice: sockets that were told the same ask for the same. */
  #slice: Buffer | undefined
  #from = 0
  #to = 0

  /** Calls `uncork` at the end of the iteration. */
  cork (corked: Corked): void {
    this.#corked.push(corked)
  }

  end (): void {
    for (const corked of this.#corked) corked.uncork(this)
  }

  /** Adds a broadcast frame, and answers its number: the same one for the same bytes that come several times in a row. */
  add (frame: Buffer): number {
    const last = this.#frames.length - 1
    if (this.#frames[last] === frame) return last
    this.#starts.push((this.#starts[last + 1] as number) + frame.length)
    return this.#frames.push(frame) - 1
  }

  frame (number: number): Buffer {
    return this.#frames[number] as Buffer
  }

  /** Bytes of the frames [from, to). */
  bytes (from: number, to: number): number {
    return (this.#starts[to] as number) - (this.#starts[from] as number)
  }

  /** The frames [from, to) as one buffer. A copy, not a view: a slow reader must not keep other sockets' frames alive. */
  slice (from: number, to: number): Buffer {
    if (to - from === 1) return this.frame(from)
    if (this.#slice === undefined || this.#from !== from || this.#to !== to) {
      this.#slice = Buffer.concat(this.#frames.slice(from, to), this.bytes(from, to))
      this.#from = from
      this.#to = to
    }
    return this.#slice
  }
}
