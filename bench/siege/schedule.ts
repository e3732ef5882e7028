import { type Attack, attacks } from './attacks/index.js'
import { randomFrom } from './random.js'

/** One attempt: which, when, from where, and the seed of all it draws. */
export interface Attempt {
  readonly attack: Attack
  /** After so many ms. */
  readonly at: number
  readonly address: string
  readonly seed: number
}

/** At the end there is time for what was begun to be stopped. */
const attackShare = 0.9

/** Everything that is attempted in so many seconds, in order; the same for the same seed. */
export function scheduleOf (seed: number, seconds: number): Attempt[] {
  const random = randomFrom(seed)
  const attempts = attacks.flatMap((attack, kind) => {
    const count = Math.ceil(seconds * 1000 * attackShare / attack.everyMs)
    return Array.from({ length: count }, (_, at) => ({
      attack,
      at: Math.floor((at + random()) / count * seconds * 1000 * attackShare),
      // Attacks of one kind do not meet the limits of another.
      address: `127.66.${kind}.${1 + Math.floor(random() * attack.addresses)}`,
      seed: Math.floor(random() * 2 ** 32)
    }))
  })
  return attempts.sort((one, other) => one.at - other.at)
}
