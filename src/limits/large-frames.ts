/** Frames of more bytes are large. */
export const largeBytes = 32_768

/**
 * Large frames of all sockets, one after the other. After each the process rests from them for as long as the frame took, so that a
 * client which sends small frames never waits for two.
 */
export class LargeFrames {
  readonly #waiting: Array<() => void> = []
  #isFree = true

  /** Handles a frame, now or when the earlier ones are done. Until then its socket should not be read. */
  enter (handle: () => void): void {
    if (this.#isFree) this.#run(handle)
    else this.#waiting.push(handle)
  }

  /** In real time, whatever clock the process has: it is processor time that is measured and given to others. */
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
