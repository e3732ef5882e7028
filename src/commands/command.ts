/** Where a command runs: that of the process, or of a test. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly stdout: { readonly write: (text: string) => unknown, readonly isTTY?: boolean }
}

/** What `signalbox NAME …` does instead of starting the server. */
export interface Command {
  /** How it is called, without `signalbox`. */
  readonly usage: string
  readonly summary: string
  /**
   * @param argv what follows the name
   * @returns the exit code
   * @throws CommandError or ConfigError for arguments that make no sense
   */
  readonly run: (argv: readonly string[], surroundings: Surroundings) => Promise<number>
}

/** A command was called with what it cannot use. The message is one line without any value. */
export class CommandError extends Error {
  override name = 'CommandError'
}
