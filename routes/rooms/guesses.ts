import { andThen, type Attempts, type JoinOutcome, type MaybePromise, networkOf } from '../../src/kit.js'

const limit = { failures: 10, windowMs: 60_000 }

/** `barred`: the join was not made, or was one failure too many. */
type AttemptOutcome = JoinOutcome['outcome'] | 'barred'

export type GuessThrottle = ReturnType<typeof guessThrottle>

/** Stops a client's network from finding rooms by guessing their codes, which are short. */
export function guessThrottle (attempts: Attempts) {
  /** By network, the end of its last join under way. */
  const pending = new Map<string, Promise<unknown>>()
  const keyOf = (address: string) => `rooms ${networkOf(address)}`

  /** Runs the joins of a network one by one: many at once that all find their rooms must not count as guesses. */
  function oneByOne<T> (key: string, run: () => MaybePromise<T>): MaybePromise<T> {
    const earlier = pending.get(key)
    const result = earlier === undefined ? run() : earlier.then(run)
    if (!(result instanceof Promise)) return result
    const done = result.then(() => {}, () => {}).then(() => { if (pending.get(key) === done) pending.delete(key) })
    pending.set(key, done)
    return result
  }

  return {
    /** Makes a join. It counts as a failure while it is under way, and after that only if there is no such room. */
    attempt (address: string, join: () => MaybePromise<JoinOutcome['outcome']>): MaybePromise<AttemptOutcome> {
      const key = keyOf(address)
      return oneByOne<AttemptOutcome>(key, () => andThen(attempts.begin(key, limit), (mayTry) => {
        if (!mayTry) return 'barred'
        return andThen(join(), (outcome): MaybePromise<AttemptOutcome> => {
          if (outcome !== 'missing') return andThen(attempts.succeed(key), () => outcome)
          return andThen(attempts.fail(key, limit), (isTooMany) => isTooMany ? 'barred' : outcome)
        })
      }))
    },

    /** A client of the address is in a room. */
    entered: (address: string): MaybePromise<unknown> => attempts.hold(keyOf(address), 1),

    /** It is in none any more. */
    left: (address: string): MaybePromise<unknown> => attempts.hold(keyOf(address), -1)
  }
}
