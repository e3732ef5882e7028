/** How many rooms or peers are sent to Redis at a time. */
const atOnce = 200

/** Not one after the other, which would take as many round trips, and not all at once. */
export async function inBatches<T> (all: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < all.length; at += atOnce) await Promise.all(all.slice(at, at + atOnce).map(work))
}
