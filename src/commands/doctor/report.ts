import type { Result, Watcher } from './check.js'

const signs = { ok: '✓', warning: '!', failure: '✗', skipped: '–' }
const colors = { ok: 32, warning: 33, failure: 31, skipped: 90 }

interface Output {
  readonly write: (text: string) => unknown
  readonly isTTY?: boolean
}

/**
 * Writes each finding as it comes, below its group. On a terminal, the check that runs is shown until it has ended.
 *
 * @param clean takes secrets, and what would control the terminal, out of a text
 */
export function textReport (output: Output, clean: (text: string) => string, hasColors: boolean): Watcher {
  let group = ''
  const painted = (color: number, text: string) => hasColors ? `\u001b[${color}m${text}\u001b[0m` : text

  function heading (next: string): string {
    if (next === group) return ''
    const before = group === '' ? '' : '\n'
    group = next
    return `${before}${painted(1, next)}\n`
  }

  return {
    began ({ group, name }) {
      if (output.isTTY === true) output.write(`${heading(group)}  … ${name}`)
    },
    ended (results) {
      if (output.isTTY === true) output.write('\r\u001b[K')
      for (const { group, name, status, says, fix } of results) {
        output.write(`${heading(group)}  ${painted(colors[status], signs[status])} ${name}: ${clean(says)}\n`)
        for (const line of fix === undefined ? [] : clean(fix).split('\n')) output.write(`      ${line}\n`)
      }
    }
  }
}

/** The last line: how many of what. */
export function summary (results: readonly Result[]): string {
  const count = (status: Result['status']) => results.filter((result) => result.status === status).length
  const [failures, warnings, skips] = [count('failure'), count('warning'), count('skipped')]
  const parts = [
    `${count('ok')} fine`,
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
    ...(failures > 0 ? [`${failures} ${failures === 1 ? 'failure' : 'failures'}`] : []),
    ...(skips > 0 ? [`${skips} not looked at`] : [])
  ]
  return `\n${failures > 0 ? signs.failure : warnings > 0 ? signs.warning : signs.ok} ${parts.join(', ')}\n`
}
