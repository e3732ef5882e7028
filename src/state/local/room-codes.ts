import { randomInt } from 'node:crypto'
import type { Timers } from '../../timing/timers.js'

/** Drawn first. While a fifth of all codes is free, one of them is in 99 of 100 cases. */
const firstDraw = 20
/** Drawn when all of those were taken. While one code in twenty is free, all are taken in less than one case of 10^10. */
const lastDraw = 480
/** After a search in vain nobody searches so far again for a while, so that asking costs little when there is nothing. In ms. */
const restMs = 250

/** Of the codes, one opener's rooms that nobody is in any more may hold one in so many; but one at least, and no more than these. Of more the one that was left first goes. */
const codesForEmpty = 256
const mostEmpty = 32

export function mostEmptyOf (digits: number): number {
  return Math.min(mostEmpty, Math.max(1, Math.floor(9 * 10 ** (digits - 1) / codesForEmpty)))
}

/** Draws the codes that a room may be opened under, as long as there is hope. */
export class CodeDraw {
  readonly #timers: Timers
  /** By prefix, until when. There are as many as dialects open rooms under. */
  readonly #resting = new Map<string, number>()

  constructor (timers: Timers) {
    this.#timers = timers
  }

  /** What to try, a few first and more if those were all taken. */
  * draws (prefix: string, digits: number): Generator<string[]> {
    const first = codesOf(digits, firstDraw)
    yield first
    if (first.length < firstDraw || this.#timers.now() < (this.#resting.get(prefix) ?? 0)) return
    yield codesOf(digits, lastDraw)
    this.#resting.set(prefix, this.#timers.now() + restMs)
  }
}

function codesOf (digits: number, count: number): string[] {
  const least = 10 ** (digits - 1)
  const all = 9 * least
  const codes = new Set<number>()
  if (all > 2 * count) {
    while (codes.size < count) codes.add(randomInt(least, 10 * least))
  } else {
    // So few that they are gone through, in an order that nobody knows.
    const rest = Array.from({ length: all }, (_, at) => least + at)
    while (codes.size < count && rest.length > 0) {
      const at = randomInt(rest.length)
      codes.add(rest[at] as number)
      rest[at] = rest.at(-1) as number
      rest.pop()
    }
  }
  return [...codes].map(String)
}
