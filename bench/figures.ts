/** The figures of one measurement. The names include the units. */
export type Figures = Record<string, number>

/** The middle value, or the mean of the two in the middle. */
export function median (values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const upper = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[upper] ?? NaN : ((sorted[upper - 1] ?? NaN) + (sorted[upper] ?? NaN)) / 2
}

/**
 * Where the median of all rounds that could be lies, with 95 % of confidence: so many of those that were are left out at both ends as a
 * fair coin, thrown once for each, shows in less than a fortieth of all cases.
 *
 * @see https://en.wikipedia.org/wiki/Sign_test
 */
export function medianInterval (values: readonly number[]): { least: number, most: number } {
  const sorted = [...values].sort((one, other) => one - other)
  const { length } = sorted
  let outside = 0
  let chance = 0.5 ** length
  for (let sum = chance; sum <= 0.025; sum += chance) chance *= (length - outside) / ++outside
  return outside === 0 ? { least: -Infinity, most: Infinity } : { least: sorted[outside - 1] ?? NaN, most: sorted[length - outside] ?? NaN }
}

/** @param sorted in ascending order */
export function quantile (sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN
}

/** Three significant digits, or a whole number with spaces between the thousands. */
export function rounded (value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en').replaceAll(',', ' ') : String(Number(value.toPrecision(3)))
}
