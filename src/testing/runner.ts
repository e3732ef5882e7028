/** What a test must be able to do: `t` of node:test and of tap can. */
export interface Scope {
  /** Calls this when the test is over, and waits for its promise. */
  after (cleanUp: () => unknown): unknown
}

/** What runs tests: `test` of node:test, and `t` of node:test and of tap. */
export interface Runner {
  /** Runs a test below this one. The test fails when its promise rejects. */
  test (title: string, body: (t: Runner & Scope) => Promise<void>): PromiseLike<unknown>
}
