const maxNames = 64
const rest = 'other'

/** Counts by name: plain numbers, read when somebody asks. Names past the first 64 count as `other`, so that nothing a client sends makes it grow without end. */
export class Tally<Name extends string = string> {
  readonly #counts = new Map<Name | typeof rest, number>()

  add (name: Name): void {
    const count = this.#counts.get(name)
    if (count !== undefined) this.#counts.set(name, count + 1)
    else if (this.#counts.size < maxNames) this.#counts.set(name, 1)
    else this.#counts.set(rest, (this.#counts.get(rest) ?? 0) + 1)
  }

  get (name: Name): number {
    return this.#counts.get(name) ?? 0
  }

  [Symbol.iterator] (): IterableIterator<[name: Name | typeof rest, count: number]> {
    return this.#counts.entries()
  }
}
