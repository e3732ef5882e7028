const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const times = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })

export const count = (value: number): string => numbers.format(value)
export const short = (value: number): string => {
  if (value < 100) return numbers.format(value)
  return value < 10_000 ? numbers.format(Math.round(value)) : compact.format(value)
}
export const clock = (ms: number): string => times.format(ms)
export const ms = (value: number): string => value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(value < 1 ? 2 : 1)} ms`

/** As in `3 h 12 m`. */
export function duration (milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds % 3_600 / 60)} m`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds % 86_400 / 3_600)} h`
}

export function bytes (value: number): string {
  if (value < 1_024) return `${value} B`
  return value < 1_048_576 ? `${numbers.format(value / 1_024)} KiB` : `${numbers.format(value / 1_048_576)} MiB`
}

export function plural (value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}
