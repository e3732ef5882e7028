/** A fault, in words for the person who hosts the server. Text between backticks is code. */
export interface Explanation {
  readonly what: string
  readonly change: readonly string[]
  readonly paste?: string
}
