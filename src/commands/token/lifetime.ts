import { CommandError } from '../command.js'

const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 }

/**
 * A lifetime such as `90s`, `15m`, `1h` or `7d`. In s.
 *
 * @throws CommandError for anything else
 */
export function lifetimeOf (text: string): number {
  const [, amount, unit] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? []
  if (amount === undefined) throw new CommandError('--ttl: expected a number and its unit, such as 90s, 15m, 1h or 7d')
  return Number(amount) * seconds[unit as keyof typeof seconds]
}

/** A time between two moments, in words. In ms. */
export function inWords (ms: number): string {
  const total = Math.round(Math.abs(ms) / 1000)
  for (const [unit, size] of [['d', 86_400], ['h', 3_600], ['min', 60]] as const) {
    if (total >= 2 * size) return `${Math.floor(total / size)} ${unit}`
  }
  return `${total} s`
}
