/** Counts values by upper bound, in the sense of Prometheus. Read at a scrape. */
export class Histogram {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  constructor (bounds: readonly number[]) {
    this.bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe (value: number): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#sum += value
  }

  get sum (): number {
    return this.#sum
  }

  /** The number of values up to each bound, and then of all. */
  cumulated (): number[] {
    let total = 0
    return Array.from(this.#counts, (count) => { total += count; return total })
  }
}
