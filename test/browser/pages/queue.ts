const patienceMs = 10_000

/** What comes waits for `next`, in order. */
export class Queue<Value> {
  readonly #values: Value[] = []
  readonly #takers: Array<(value: Value) => void> = []

  push (value: Value): void {
    const taker = this.#takers.shift()
    if (taker === undefined) this.#values.push(value)
    else taker(value)
  }

  /** Throws, saying what did not come, when nothing does. */
  async next (what: string): Promise<Value> {
    if (this.#values.length > 0) return this.#values.shift() as Value
    return await new Promise((resolve, reject) => {
      const timeout = setTimeout(() => reject(new Error(`${what} never came`)), patienceMs)
      this.#takers.push((value) => {
        clearTimeout(timeout)
        resolve(value)
      })
    })
  }
}
