const maxNames = 64
const rest = 'other'

/** Counters by name, read at a scrape. Names after the first 64 count as `other`, so that clients cannot make it grow without bound. */
export class LabelCounter<Name extends string = string> {
  readonly #counts = new Map<Name | typeof rest, { value: number }>()

  inc (name: Name): void {
    const count = this.#counts.get(name)
    if (count === undefined) this.#begin(name)
    else count.value++
  }

  #begin (name: Name): void {
    if (this.#counts.size < maxNames) {
      this.#counts.set(name, { value: 1 })
      return
    }
    const others = this.#counts.get(rest)
    if (others === undefined) this.#counts.set(rest, { value: 1 })
    else others.value++
  }

  get (name: Name): number {
    return this.#counts.get(name)?.value ?? 0
  }

  * [Symbol.iterator] (): IterableIterator<[name: Name | typeof rest, count: number]> {
    for (const [name, { value }] of this.#counts) yield [name, value]
  }
}
