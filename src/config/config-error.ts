/** A setting has a value that it cannot take. The message is one line that begins with the setting's name. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** What such a message says of a value that does not fit by itself. */
export function invalidValue (value: string, expected: string): string {
  return `invalid value ${value}, expected ${expected}`
}
