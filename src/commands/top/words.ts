const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const times = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })

export const count = (value: number): string => numbers.format(value)
export const clock = (ms: number): string => times.format(ms)
export const inMs = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
export const inMib = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`

/** At most five characters, as in `12.3K`. */
export function short (value: number): string {
  return value < 100 ? numbers.format(value) : value < 10_000 ? String(Math.round(value)) : compact.format(value)
}

/** As in `3h 12m`. */
export function upFor (seconds: number): string {
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3_600), Math.floor(seconds / 86_400)]
  if (minutes === 0) return `${Math.floor(seconds)}s`
  if (hours === 0) return `${minutes}m ${Math.floor(seconds % 60)}s`
  return days === 0 ? `${hours}h ${minutes % 60}m` : `${days}d ${hours % 24}h`
}
