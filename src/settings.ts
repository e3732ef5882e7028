import type { OptionalDialect } from '../routes/dialect.js'
import { dialectSettings } from './config/dialect-settings.js'
import { readSettings } from './config/read.js'
import type { Config, Settings } from './config/schema.js'
import * as dialects from './dialects.js'

/** A built-in dialect, as in `DIALECTS`. */
export type DialectName = keyof typeof dialects

/** One that is on by default. */
export type DefaultDialectName = {
  [Name in DialectName]: (typeof dialects)[Name] extends OptionalDialect ? never : Name
}[DialectName]

/** What the built-in dialects add to the server's settings, with what plugins add. */
export function furtherSettings (ofPlugins: Settings = {}): Settings {
  return { ...dialectSettings(Object.values(dialects)), ...ofPlugins }
}

/**
 * Reads settings from environment variables and flags, and from the files that `NAME_FILE` and `--name-file` name. A flag wins. A blank
 * value counts as absent, unless that turns a protection off.
 *
 * @param ofPlugins settings that plugins add
 * @throws ConfigError for the first setting with an invalid value, for one that is given as a file, too, and for an unknown flag or file
 */
export function readConfig (env: NodeJS.ProcessEnv, argv: readonly string[], ofPlugins: Settings = {}): Config {
  return readSettings(env, argv, furtherSettings(ofPlugins))
}
