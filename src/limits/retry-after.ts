/** Clients that are refused together come back over at least so many seconds. */
const minSpreadS = 4

/**
 * The value of `Retry-After`, in whole seconds: `leastS`, and up to half as long again at random, so that those who were refused together
 * do not come back together.
 */
export function retryAfter (leastS: number, random: () => number = Math.random): string {
  return String(leastS + Math.floor(random() * (Math.max(minSpreadS, Math.ceil(leastS / 2)) + 1)))
}
