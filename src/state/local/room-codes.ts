import { randomInt } from 'node:crypto'
import type { Timers } from '../../timing/timers.js'

/** Codes in the first draw. While a fifth of all codes is free, 99 of 100 draws contain a free one. */
const firstDraw = 20
/** Codes in the second draw. While one code in twenty is free, fewer than one draw in 10^10 contains no free one. */
const lastDraw = 480
/** After a failed search there is no second draw for this time, so that requests stay cheap while no code is free. In ms. */
const restMs = 250

/** The empty rooms of one opener may hold one code in this many, at least 1 and at most `maxEmpty`. */
const codesPerEmpty = 256
const maxEmpty = 32

/** How many rooms of one opener may be empty. Beyond that the one that has been empty longest is removed. */
export function maxEmptyOf (digits: number): number {
  return Math.min(maxEmpty, Math.max(1, Math.floor(9 * 10 ** (digits - 1) / codesPerEmpty)))
}

/** Draws random codes for new rooms. */
export class CodeDraw {
  readonly #timers: Timers
  /** When the rest ends, by prefix. There is one prefix per dialect that opens rooms. */
  readonly #resting = new Map<string, number>()

  constructor (timers: Timers) {
    this.#timers = timers
  }

  /** Candidates: a few first, and more if all of those are taken. */
  * draws (prefix: string, digits: number): Generator<string[]> {
    const first = codesOf(digits, firstDraw)
    yield first
    if (first.length < firstDraw || this.#timers.now() < (this.#resting.get(prefix) ?? 0)) return
    yield codesOf(digits, lastDraw)
    this.#resting.set(prefix, this.#timers.now() + restMs)
  }
}

function codesOf (digits: number, count: number): string[] {
  const min = 10 ** (digits - 1)
  const all = 9 * min
  const codes = new Set<number>()
  if (all > 2 * count) {
    while (codes.size < count) codes.add(randomInt(min, 10 * min))
  } else {
    // Few codes: a random draw without replacement.
    const rest = Array.from({ length: all }, (_, at) => min + at)
    while (codes.size < count && rest.length > 0) {
      const at = randomInt(rest.length)
      codes.add(rest[at] as number)
      rest[at] = rest.at(-1) as number
      rest.pop()
    }
  }
  return [...codes].map(String)
}
