/** The calls that `BRIDGE` allows, each as the caller's dialect and that of who is called. */
export class Pairs {
  readonly #calls = new Set<string>()

  /** @param names of the dialects that can be bridged */
  constructor (entries: readonly string[], names: readonly string[]) {
    for (const entry of entries) {
      const pair = pairIn(entry, names)
      if (pair === undefined) continue
      const [one, other] = pair.names
      this.#calls.add(`${one}>${other}`)
      if (pair.isMutual) this.#calls.add(`${other}>${one}`)
    }
  }

  /** The two dialects of an entry. Undefined for one that does not name two of them. */
  static read (entry: string, names: readonly string[]): readonly [string, string] | undefined {
    return pairIn(entry, names)?.names
  }

  /** Whether peers of one dialect may call those of the other. */
  has (from: string, to: string): boolean {
    return this.#calls.has(`${from}>${to}`)
  }
}

interface Pair {
  readonly names: readonly [string, string]
  readonly isMutual: boolean
}

/** The two dialects of an entry such as `peerjs-drone` or `drone>peerjs`. A name may have dashes, too. */
function pairIn (entry: string, names: readonly string[]): Pair | undefined {
  for (const one of names) {
    for (const other of names) {
      if (one === other) continue
      if (entry === `${one}-${other}`) return { names: [one, other], isMutual: true }
      if (entry === `${one}>${other}`) return { names: [one, other], isMutual: false }
    }
  }
  return undefined
}

/** Whether an entry names a dialect, whichever others there are. */
export function mentions (entry: string, name: string): boolean {
  return ['-', '>'].some((sign) => entry.startsWith(name + sign) || entry.endsWith(sign + name))
}
