import type { Finding, Group, Mark } from './check.js'
import { countTypes } from './explain/candidates.js'

export const marks: Readonly<Record<Mark, { readonly sign: string, readonly word: string }>> = {
  pass: { sign: '✓', word: 'Works' },
  warn: { sign: '!', word: 'Warning' },
  fail: { sign: '✗', word: 'Fault' },
  skip: { sign: '–', word: 'Not tested' }
}

export interface Report {
  readonly groups: readonly Group[]
  /** By the check's name. */
  readonly findings: ReadonlyMap<string, Finding>
  /** Lines about where and when this ran: name and value. */
  readonly about: ReadonlyArray<readonly [string, string]>
  /** Texts that must not be in it. */
  readonly secrets: readonly string[]
}

/** All results as Markdown, to be sent to somebody who helps. It has no token, no credential, and no address of this device. */
export function writeReport ({ groups, findings, about, secrets }: Report): string {
  const lines = ['# Signalbox connection test', '', ...about.map(([name, value]) => `- ${name}: ${value}`)]
  for (const { title, checks } of groups) {
    lines.push('', `## ${title}`, '')
    for (const { name, title } of checks) lines.push(...linesOf(title, findings.get(name)))
  }
  return secrets.reduce((text, secret) => text.replaceAll(secret, '(left out)'), `${lines.join('\n')}\n`)
}

function linesOf (title: string, finding: Finding | undefined): string[] {
  if (finding === undefined) return [`- … **${title}**: not finished`]
  const { mark, summary, details = [], change = [], paste, candidates = [] } = finding
  return [
    `- ${marks[mark].sign} **${title}**: ${summary}`,
    ...details.map((detail) => `  - ${detail}`),
    ...candidates.length > 0 ? [`  - Types: ${countTypes(candidates)}`] : [],
    ...change.map((step) => `  - To change: ${step}`),
    ...paste === undefined ? [] : ['', ...['```', ...paste.split('\n'), '```'].map((line) => `    ${line}`), '']
  ]
}

interface Verdict {
  /** Undefined while checks run. */
  readonly mark: Mark | undefined
  readonly text: string
}

/** What all results come to, in one sentence. */
export function verdict (groups: readonly Group[], findings: ReadonlyMap<string, Finding>): Verdict {
  const names = groups.flatMap(({ checks }) => checks.map(({ name }) => name))
  const count = (mark: Mark): number => names.filter((name) => findings.get(name)?.mark === mark).length
  const [faults, warnings, untested] = [count('fail'), count('warn'), count('skip')]
  const done = names.filter((name) => findings.has(name)).length
  const parts = [many(faults, 'fault'), many(warnings, 'warning')].filter((part) => part !== '')
  if (done < names.length) return { mark: undefined, text: [`${done} of ${names.length} checks done`, ...parts].join(', ') }
  if (parts.length > 0) return { mark: faults > 0 ? 'fail' : 'warn', text: parts.join(' and ') }
  if (untested > 0) return { mark: 'pass', text: `Everything tested works; ${many(untested, 'check')} not tested` }
  return { mark: 'pass', text: 'Everything works' }
}

const many = (count: number, what: string): string => count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`
