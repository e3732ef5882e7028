/** A number of something between two dialects. */
export interface BridgeCount {
  readonly from: string
  readonly to: string
  value: number
}

/** Calls and signals between dialects since the start. The names are those of dialects, so clients cannot make it grow. */
export class BridgeCounters {
  readonly #calls = new Map<string, BridgeCount & { readonly outcome: string }>()
  readonly #signals = new Map<string, BridgeCount>()

  /** A call of this node's peer has come about, or it has not. */
  countCall (from: string, to: string, outcome: string): void {
    const key = `${from} ${to} ${outcome}`
    const count = this.#calls.get(key) ?? { from, to, outcome, value: 0 }
    this.#calls.set(key, count)
    count.value++
  }

  /** A signal of this node's peer. */
  countSignal (from: string, to: string): void {
    const key = `${from} ${to}`
    const count = this.#signals.get(key) ?? { from, to, value: 0 }
    this.#signals.set(key, count)
    count.value++
  }

  get calls (): Iterable<BridgeCount & { readonly outcome: string }> {
    return this.#calls.values()
  }

  get signals (): Iterable<BridgeCount> {
    return this.#signals.values()
  }
}
