/** Frames of more bytes are large. */
export const largeBytes = 32_768

/**
 * Large frames of all sockets, one after the other: behind each the process is free for the others for as long as the frame
 * took, so that whoever sends small ones never waits for two.
 */
export class LargeFrames {
  readonly #waiting: Array<() => void> = []
  #isFree = true

  /** Handles a frame, now or when its turn has come. Until then its socket should not be read. */
  enter (handle: () => void): void {
    if (this.#isFree) this.#run(handle)
    else this.#waiting.push(handle)
  }

  #run (handle: () => void): void {
    this.#isFree = false
    const startedAt = performance.now()
    try {
      handle()
    } finally {
      setTimeout(this.#goOn, performance.now() - startedAt).unref()
    }
  }

  readonly #goOn = (): void => {
    const next = this.#waiting.shift()
    if (next === undefined) this.#isFree = true
    else this.#run(next)
  }
}
