/** An answer now or later: what is in this process answers at once, what needs another one answers with a promise. */
export type MaybePromise<T> = T | Promise<T>

/** `await` without a promise where none is needed: goes on at once when the value is there already. */
export function andThen<T, R> (value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
