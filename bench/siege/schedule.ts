import { type Attack, attacks } from './attacks/index.js'
import { randomFrom } from './random.js'

/** One attempt of an attack. */
export interface Attempt {
  readonly attack: Attack
  /** When it begins, in ms from the start. */
  readonly at: number
  readonly address: string
  readonly seed: number
}

/** The share of the time in which attempts begin. The rest is for the server to stop them. */
const attackShare = 0.9

/** All attempts of a siege, by time. They depend on the seed alone. */
export function scheduleOf (seed: number, seconds: number): Attempt[] {
  const random = randomFrom(seed)
  const attempts = attacks.flatMap((attack, kind) => {
    const count = Math.ceil(seconds * 1000 * attackShare / attack.everyMs)
    return Array.from({ length: count }, (_, at) => ({
      attack,
      at: Math.floor((at + random()) / count * seconds * 1000 * attackShare),
      // Each attack has addresses of its own, so it does not use up the limits of another.
      address: `127.66.${kind}.${1 + Math.floor(random() * attack.addresses)}`,
      seed: Math.floor(random() * 2 ** 32)
    }))
  })
  return attempts.sort((one, other) => one.at - other.at)
}
