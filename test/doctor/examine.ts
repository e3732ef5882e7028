import type { Test } from 'tap'
import { doctor } from '../../src/commands/doctor/index.js'
import type { Result } from '../../src/commands/doctor/check.js'
import type { Env } from '../helper.js'

/** What the doctor found. */
export interface Report {
  readonly code: number
  readonly results: readonly Result[]
  /** The findings of a check by its name. */
  of (name: string): readonly Result[]
}

/** Lets the doctor look, with these settings, and read its JSON. */
export async function examine (env: Env, ...argv: string[]): Promise<Report> {
  let text = ''
  const code = await doctor([...argv, '--json'], { env, stdout: { write: (part) => { text += part } } })
  const { results } = JSON.parse(text) as { results: Result[] }
  return { code, results, of: (name) => results.filter((result) => result.name === name) }
}

/** That a check names a fault, and what to do about it in one line, or in all. */
export function names (
  t: Test, report: Report, name: string, { status = 'failure', says, fix = /./ }: { status?: Result['status'], says: RegExp, fix?: RegExp }
): void {
  const isIn = (fix: RegExp, text = ''): boolean => fix.test(text) || text.split('\n').some((line) => fix.test(line))
  const found = report.of(name).filter((result) => result.status === status && says.test(result.says) && isIn(fix, result.fix))
  t.ok(found.length > 0, `${name}: ${String(says)}`, { found: report.of(name) })
  t.ok(report.code >= (status === 'failure' ? 2 : 1))
}

/** What the doctor prints for people, and its exit code. */
export async function readable (env: Env, argv: readonly string[], isTTY = false): Promise<{ code: number, text: string }> {
  let text = ''
  const code = await doctor(argv, { env: { NO_COLOR: '1', ...env }, stdout: { isTTY, write: (part) => { text += part } } })
  return { code, text }
}
