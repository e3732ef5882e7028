import { getHeapStatistics } from 'node:v8'

/** Share of the heap that Node may take, above which the process is short of memory. */
const heapShare = 0.9

/** Whether the process is behind, or short of memory or files. */
export class Pressure {
  readonly #maxDelayMs: number
  readonly #maxRss: number | undefined
  #strainedChecks = 0

  /** @param maxRss in bytes; undefined: nine tenths of the heap that Node may take */
  constructor (maxDelayMs: number, maxRss: number | undefined) {
    this.#maxDelayMs = maxDelayMs
    this.#maxRss = maxRss
  }

  /** True after two strained checks in a row: a single pause, as at the start, does not count. */
  get isHigh (): boolean {
    return this.#strainedChecks > 1
  }

  /** To be called each second. @param delayMs mean delay of the event loop in that second */
  check (delayMs: number): void {
    const isStrained = delayMs > this.#maxDelayMs || this.#isShortOfMemory()
    this.#strainedChecks = isStrained ? this.#strainedChecks + 1 : 0
  }

  #isShortOfMemory (): boolean {
    if (this.#maxRss === undefined) {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      return used > heapShare * limit
    }
    try {
      return process.memoryUsage.rss() > this.#maxRss
    } catch {
      // It reads a file, which fails when no more can be opened.
      return true
    }
  }
}
