import { networkOf } from '../../src/net/address.js'
import { andThen, type MaybePromise } from '../../src/timing/maybe-promise.js'
import type { Attempts, JoinOutcome } from '../../src/state/contract.js'

const limit = { failures: 10, windowMs: 60_000 }

export type GuessThrottle = ReturnType<typeof guessThrottle>

/** Keeps an address from finding rooms by trying: four digits are few. */
export function guessThrottle (attempts: Attempts) {
  /** Addresses with joins under way, and when the last of them is done. */
  const turns = new Map<string, Promise<unknown>>()
  const keyOf = (address: string) => `rooms ${networkOf(address)}`

  /** One after the other, so that many at once which all find their rooms are not taken for guesses. */
  function inTurn<T> (key: string, run: () => MaybePromise<T>): MaybePromise<T> {
    const earlier = turns.get(key)
    const result = earlier === undefined ? run() : earlier.then(run)
    if (!(result instanceof Promise)) return result
    const done = result.then(() => {}, () => {}).then(() => { if (turns.get(key) === done) turns.delete(key) })
    turns.set(key, done)
    return result
  }

  return {
    /** Makes a join, which counts before it is made and is given back unless it finds no room. `barred`: it was not made, or was one too many. */
    attempt (address: string, join: () => MaybePromise<JoinOutcome['outcome']>): MaybePromise<JoinOutcome['outcome'] | 'barred'> {
      const key = keyOf(address)
      return inTurn<JoinOutcome['outcome'] | 'barred'>(key, () => andThen(attempts.begin(key, limit), (mayTry) => {
        if (!mayTry) return 'barred'
        return andThen(join(), (outcome): MaybePromise<JoinOutcome['outcome'] | 'barred'> => {
          if (outcome !== 'missing') return andThen(attempts.succeed(key), () => outcome)
          return andThen(attempts.fail(key, limit), (isTooMany) => isTooMany ? 'barred' : outcome)
        })
      }))
    },

    /** A client of the address is in a room now. */
    entered: (address: string): MaybePromise<unknown> => attempts.hold(keyOf(address), 1),

    /** And now it is in none. */
    left: (address: string): MaybePromise<unknown> => attempts.hold(keyOf(address), -1)
  }
}
