import type { Candidate } from './explain/candidates.js'
import type { Facts } from './facts.js'

/** `skip`: it could not be tried, and says why. */
export type Mark = 'pass' | 'warn' | 'fail' | 'skip'

/** What a check found. Text between backticks is code. */
export interface Finding {
  readonly mark: Mark
  /** One or two sentences: what works, or what is wrong. */
  readonly summary: string
  readonly details?: readonly string[]
  /** What the person who hosts the server should do, the likeliest first. */
  readonly change?: readonly string[]
  /** Lines of a configuration that do it. */
  readonly paste?: string
  readonly candidates?: readonly Candidate[]
}

/** What a check says while it runs. */
export interface News {
  readonly text?: string
  /** From 0 to 1. */
  readonly progress?: number
  readonly candidates?: readonly Candidate[]
}

export interface Check {
  readonly name: string
  readonly title: string
  /** What it tries. */
  readonly about: string
  /** Whether it takes so long that people may skip it. */
  readonly canSkip?: true
  run (facts: Facts, tell: (news: News) => void): Promise<Finding>
}

export interface Group {
  readonly title: string
  readonly checks: readonly Check[]
}
