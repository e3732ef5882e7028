/** What a check has found. */
export interface Finding {
  /** `skipped` where it could not look, which is no fault. */
  readonly status: 'ok' | 'warning' | 'failure' | 'skipped'
  /** What is there, or what is wrong. One line. */
  readonly says: string
  /** What to change, as one pastes it: a line or several, some of them remarks that begin with #. */
  readonly fix?: string
}

/** One thing that the doctor looks at. */
export interface Check<Subject> {
  readonly group: string
  readonly name: string
  /** Another check that must not have failed: what this one would find follows from that. */
  readonly after?: string
  /** Several findings where there are several things of the kind: ports, TURN servers. None where there is nothing to look at. */
  readonly run: (subject: Subject) => Promise<Finding | readonly Finding[]> | Finding | readonly Finding[]
}

/** What a check has found, under its name. */
export interface Result extends Finding {
  readonly group: string
  readonly name: string
}

export const ok = (says: string): Finding => ({ status: 'ok', says })
export const skipped = (says: string): Finding => ({ status: 'skipped', says })
export const warning = (says: string, fix: string): Finding => ({ status: 'warning', says, fix: pasteable(fix) })

/** @param page what says more, with its anchor: of an error or a close code, docs/errors.md */
export function failure (says: string, fix: string, page?: `docs/${string}`): Finding {
  return { status: 'failure', says, fix: pasteable(page === undefined ? fix : `${fix}\n# see ${page}`) }
}

/** Puts remarks in front of their lines: files of variables know no comment behind a value. */
function pasteable (fix: string): string {
  return fix.split('\n').map((line) => line.replace(/^(.*?) {4}(#.*)$/, '$2\n$1')).join('\n')
}

/** Called when a check begins, and when it has ended. */
export interface Watcher {
  readonly began: (check: Pick<Result, 'group' | 'name'>) => void
  readonly ended: (results: readonly Result[]) => void
}

/** Runs checks one after the other, so that none disturbs what another measures. */
export async function runChecks<Subject> (
  checks: ReadonlyArray<Check<Subject>>, subject: Subject, { began, ended }: Watcher
): Promise<Result[]> {
  const results: Result[] = []
  const missing = new Set<string>()
  for (const { group, name, after, run } of checks) {
    let findings: readonly Finding[]
    if (after !== undefined && missing.has(after)) {
      findings = [skipped(`not looked at, because of “${after}”`)]
      missing.add(name)
    } else {
      began({ group, name })
      try {
        findings = [await run(subject)].flat()
      } catch (error) {
        findings = [failure(`the check itself failed: ${(error as Error).message}`, 'Please report this, with the output of --json.')]
      }
    }
    if (findings.some(({ status }) => status === 'failure')) missing.add(name)
    const named = findings.map((finding) => ({ group, name, ...finding }))
    results.push(...named)
    ended(named)
  }
  return results
}

/** 0 where all is well, 1 with warnings, 2 with failures. */
export function exitCodeOf (results: readonly Result[]): 0 | 1 | 2 {
  if (results.some(({ status }) => status === 'failure')) return 2
  return results.some(({ status }) => status === 'warning') ? 1 : 0
}
