import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { Histogram } from './histogram.js'

/** How often the monitor's own timer fires. It measures this interval along with the delay. In ms. */
const resolutionMs = 10
const sampleMs = 100
/** By the clock, not by samples: those of a loop that is behind are late. In ms. */
const reportMs = 1_000

/** In s. */
const delayBounds = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** One second of the event loop. */
export interface LoopReport {
  /** How late timers were on average. In ms. */
  readonly delayMs: number
  /** Share of the time that the loop was busy, from 0 to 1. */
  readonly utilization: number
}

/** Samples the event loop for all who ask: one monitor for the process's load limit, its metrics and `/admin/node`. */
export class EventLoop {
  /** The longest delay in each tenth of a second, in s. */
  readonly delays = new Histogram(delayBounds)
  readonly #monitor = monitorEventLoopDelay({ resolution: resolutionMs })
  readonly #timer: NodeJS.Timeout
  readonly #listeners = new Set<(report: LoopReport) => void>()
  #sampledAt = performance.now()
  #reportedAt = performance.now()
  #measured = 0
  #sumMs = 0
  #utilization = performance.eventLoopUtilization()
  #report: LoopReport | undefined

  constructor () {
    this.#monitor.enable()
    // Real time, whatever clock the rest of the process is given. It does not keep the process alive.
    this.#timer = setInterval(() => this.#sample(), sampleMs).unref()
  }

  /** The last full second, or what there is of the first. */
  get report (): LoopReport {
    return this.#report ?? this.#summarize()
  }

  /** Calls `listener` each second, with the second that has passed. */
  onReport (listener: (report: LoopReport) => void): void {
    this.#listeners.add(listener)
  }

  close (): void {
    clearInterval(this.#timer)
    this.#monitor.disable()
    this.#listeners.clear()
  }

  #sample (): void {
    const { count, mean, max } = this.#monitor
    this.#monitor.reset()
    const now = performance.now()
    // The monitor measures from one run of its timer to the next. If there was no next one, the loop has gone round once at most.
    const onceMs = now - this.#sampledAt - resolutionMs
    this.#sampledAt = now
    this.delays.observe(Math.max(0, count === 0 ? onceMs : max / 1e6 - resolutionMs) / 1000)
    this.#measured += Math.max(1, count)
    this.#sumMs += count === 0 ? onceMs : count * (mean / 1e6 - resolutionMs)
    // A sample that is up to half its interval early counts as on time.
    if (now - this.#reportedAt < reportMs - sampleMs / 2) return
    this.#reportedAt = now
    const report = this.#summarize()
    this.#report = report
    this.#utilization = performance.eventLoopUtilization()
    this.#measured = this.#sumMs = 0
    for (const listener of this.#listeners) listener(report)
  }

  #summarize (): LoopReport {
    const { utilization } = performance.eventLoopUtilization(this.#utilization)
    return { delayMs: this.#sumMs / Math.max(1, this.#measured), utilization }
  }
}
