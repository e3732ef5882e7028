/** A value now or later: what this process knows is there at once, what another one must be asked is a promise. */
export type MaybePromise<T> = T | Promise<T>

/** `await` without a promise where none is needed: an `await` would pause and resume the socket for every frame. */
export function andThen<T, R> (value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
