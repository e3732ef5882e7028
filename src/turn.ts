/** What holds what is written to it until it is told to `uncork`, when the turn is over. */
export interface Corked {
  uncork: (turn: Turn) => void
}

/**
 * A turn of the event loop, within which the frames for one socket are gathered. Those for many sockets are kept once for all of
 * them: each socket remembers only from which to which it is to have, and is given them as one piece of bytes.
 */
export class Turn {
  readonly #corked: Corked[] = []
  readonly #frames: Buffer[] = []
  /** All frames, one behind the other, and where each begins. */
  #joined: Buffer | undefined
  readonly #starts: number[] = [0]

  /** Tells it to `uncork` once the turn is over. */
  cork (corked: Corked): void {
    this.#corked.push(corked)
  }

  end (): void {
    for (const corked of this.#corked) corked.uncork(this)
  }

  /** The number of a frame for many, which is the same for all that are given the same bytes one after the other. */
  numberOf (frame: Buffer): number {
    const last = this.#frames.length - 1
    if (this.#frames[last] === frame) return last
    this.#starts.push((this.#starts[last + 1] as number) + frame.length)
    return this.#frames.push(frame) - 1
  }

  frame (number: number): Buffer {
    return this.#frames[number] as Buffer
  }

  /** The frames from one number up to another, as one. Once the turn is over: more may come before. */
  frames (from: number, to: number): Buffer {
    if (to - from === 1) return this.frame(from)
    this.#joined ??= Buffer.concat(this.#frames)
    return this.#joined.subarray(this.#starts[from], this.#starts[to])
  }
}
