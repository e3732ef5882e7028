import type { Check, Finding, Group, News } from './check.js'
import type { Facts } from './facts.js'

export type State = { readonly phase: 'waiting' | 'running' } & News | { readonly phase: 'done', readonly finding: Finding }

/** Runs all checks. Whatever happens is told by the check's name, until the run is ended. */
export async function run (groups: readonly Group[], facts: Facts, tell: (name: string, state: State) => void): Promise<void> {
  const { ended } = facts.options
  await Promise.all(groups.map(async ({ checks }) => {
    for (const check of checks) {
      if (ended.aborted) return
      const finding = await findingOf(check, facts, (state) => {
        if (!ended.aborted) tell(check.name, state)
      })
      if (!ended.aborted) tell(check.name, { phase: 'done', finding })
    }
  }))
}

async function findingOf (check: Check, facts: Facts, tell: (state: State) => void): Promise<Finding> {
  let news: News = {}
  tell({ phase: 'running' })
  try {
    return await check.run(facts, (more) => {
      news = { ...news, ...more }
      tell({ phase: 'running', ...news })
    })
  } catch (error) {
    return {
      mark: 'fail',
      summary: `This browser does not allow the test: ${(error as Error).message}`,
      change: ['Try another browser, or this one without extensions.']
    }
  }
}
