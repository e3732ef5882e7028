import type { Finding, Mark } from '../check.js'

const order: readonly Mark[] = ['fail', 'warn', 'skip', 'pass']

/** One finding for several servers: the worst, with what the others found as its details. */
export function worst (findings: readonly Finding[]): Finding {
  const sorted = [...findings].sort((one, other) => order.indexOf(one.mark) - order.indexOf(other.mark))
  const [first, ...others] = sorted as [Finding, ...Finding[]]
  const details = [...first.details ?? [], ...others.map(({ summary }) => summary)]
  return { ...first, details }
}
