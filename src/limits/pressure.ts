import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** How often the process is looked at. In ms. */
const lookMs = 1000
/** What the histogram of delays waits each time, which is no delay. In ms. */
const resolutionMs = 10
/** Of the heap that Node may take, what may be in use. */
const heapShare = 0.9

/** Whether the process is behind, or short of memory or files. */
export class Pressure {
  readonly #maxDelayMs: number
  readonly #maxRss: number | undefined
  readonly #delays = monitorEventLoopDelay({ resolution: resolutionMs })
  readonly #timer: NodeJS.Timeout
  #strainedLooks = 0

  /** @param maxRss bytes; undefined: nine tenths of the heap that Node may take */
  constructor (maxDelayMs: number, maxRss: number | undefined) {
    this.#maxDelayMs = maxDelayMs
    this.#maxRss = maxRss
    this.#delays.enable()
    this.#timer = setInterval(() => { this.#strainedLooks = this.#isStrained() ? this.#strainedLooks + 1 : 0 }, lookMs).unref()
  }

  /** True for two looks in a row: a single pause, as at the start, is none of it. */
  get isHigh (): boolean {
    return this.#strainedLooks > 1
  }

  close (): void {
    clearInterval(this.#timer)
    this.#delays.disable()
  }

  #isStrained (): boolean {
    const delayMs = this.#delays.mean / 1e6 - resolutionMs
    this.#delays.reset()
    // Not a number when the loop never came to measure.
    return !(delayMs <= this.#maxDelayMs) || this.#isShortOfMemory()
  }

  #isShortOfMemory (): boolean {
    if (this.#maxRss === undefined) {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      return used > heapShare * limit
    }
    try {
      return process.memoryUsage.rss() > this.#maxRss
    } catch {
      // It is read from a file, and throws when no more can be opened.
      return true
    }
  }
}
