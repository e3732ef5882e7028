import { type Static, type TObject, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ConfigError, invalidValue } from './config-error.js'
import { defaultsIn, everyDialect, namesIn } from './dialect-settings.js'
import { checkFileVariables, readSettingFile } from './files.js'
import { parseFlags, readFlags } from './flags.js'
import { rulesWith } from './rules.js'
import { acceptedBy } from './describe.js'
import { type Config, ConfigSchema, fileSettingOf, flagOf, type SettingName, type Settings } from './schema.js'

/**
 * Settings that may not be present and blank. Without them a protection is off, and a forgotten variable must not turn it off unnoticed.
 * The others are as safe by default as with a value, or it shows that they are missing.
 */
const guards: readonly string[] = [
  'JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE', 'TLS_CERT', 'TLS_KEY', 'TLS_CA', 'TLS_REQUIRE_CLIENT_CERT',
  'TURN_SECRET', 'METRICS_TOKEN', 'ALLOWED_ORIGINS', 'MAX_CLIENTS_PER_ADDRESS'
] satisfies SettingName[]

/** Settings by name, those of plugins among them. Names are checked at the start. */
export type GivenConfig = Partial<Config> & Readonly<Record<string, unknown>>

/** What a message has in place of a secret. What was read from a file is as little told: it may be the wrong file. */
const hidden = '(hidden)'
/** Characters of a value in a message. */
const maxShownLength = 128

/** The modules of `PLUGINS`, whose settings must be known before others are read. Faults are left to `readSettings`. */
export function pluginsIn (env: NodeJS.ProcessEnv, argv: readonly string[]): string[] {
  return splitList(settingText(env, argv, 'PLUGINS') ?? '')
}

/**
 * One setting as it was given, without a check of the others. Undefined where it is absent or blank.
 *
 * @throws ConfigError for a file that cannot be read
 */
export function settingText (env: NodeJS.ProcessEnv, argv: readonly string[], name: SettingName): string | undefined {
  const { values } = parseFlags(argv, ConfigSchema.properties, false)
  const given = (name: string): string | undefined => {
    const flag = values[flagOf(name).slice(2)]
    return (typeof flag === 'string' ? flag : env[name])?.trim() || undefined
  }
  const file = fileSettingOf(name)
  const path = given(file)
  return given(name) ?? (path === undefined ? undefined : readSettingFile(file, path).trim())
}

/**
 * See `readConfig` of `src/settings.ts`.
 *
 * @param further settings that dialects add, the built-in ones among them
 * @throws ConfigError for the first setting with an invalid value, for one that is given as a file, too, and for an unknown flag or file
 */
export function readSettings (env: NodeJS.ProcessEnv, argv: readonly string[], further: Settings): Config {
  const settings: Settings = { ...ConfigSchema.properties, ...further }
  const flags = readFlags(argv, settings)
  checkFileVariables(env, settings)
  const textOf = (name: string): string | undefined => flags[name] ?? env[name]
  const files = new Set<string>()
  const given: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(settings)) {
    const file = fileSettingOf(name)
    const [value, path] = [presentIn(name, textOf(name)), presentIn(name, textOf(file))]
    if (value !== undefined && path !== undefined) throw new ConfigError(`${name}: cannot be combined with ${file}`)
    if (path === '') throw new ConfigError(`${file}: empty value, expected the path of a file; leave it out to do without it`)
    if (path !== undefined) files.add(name)
    const text = path === undefined ? value : readSettingFile(file, path).trim()
    if (text !== undefined) given[name] = text === '' ? text : fromText(schema, text)
  }
  return completeConfig(given, further, (name) =>
    files.has(name) ? `(hidden, from ${fileSettingOf(name)})` : JSON.stringify(shorten(textOf(name) ?? '')))
}

/** A trimmed value. Undefined if it is absent, and if it is blank and nothing depends on it. */
function presentIn (name: string, text: string | undefined): string | undefined {
  const trimmed = text?.trim()
  return trimmed === '' && !guards.includes(name) ? undefined : trimmed
}

/**
 * Checks settings, and fills in the defaults.
 *
 * @param further settings that dialects add, the built-in ones among them
 * @param asWritten a setting's value as a message shows it
 * @throws ConfigError for the first setting with an invalid value, and for an unknown setting
 */
export function completeConfig (
  given: GivenConfig,
  further: Settings = {},
  asWritten: (name: string) => string = (name) => shorten(asJson(given[name]))
): Config {
  const settings: Settings = { ...ConfigSchema.properties, ...further }
  const shown = (name: string): string => {
    if (settings[name]?.writeOnly === true) return hidden
    const written = asWritten(name)
    // A key may have been given in place of its file's path.
    return written.includes('-----BEGIN') ? hidden : written
  }
  for (const name of Object.keys(given)) {
    const schema = settings[name]
    if (schema === undefined) throw new ConfigError(`${name}: unknown setting`)
    if (isBlank(given[name])) throw new ConfigError(`${name}: empty value, expected ${acceptedBy(schema)}; leave it out to do without it`)
    if (given[name] === undefined || Value.Check(schema, given[name])) continue
    const hint = schema.hint === undefined ? '' : `; ${String(schema.hint)}`
    throw new ConfigError(`${name}: ${invalidValue(shown(name), acceptedBy(schema))}${hint}`)
  }
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const dialects = settings.DIALECTS as TSchema
  const config = inOneForm(Value.Default(Type.Object(settings), known) as Config, namesIn(dialects))
  for (const { name, fits, problem } of rulesWith(defaultsIn(dialects))) {
    if (!fits(config)) throw new ConfigError(`${name}: ${problem(shown(name), config)}`)
  }
  return config
}

/**
 * What can be written in several forms, in the one that everything else reads: a path begins with a slash, and ends with none; dialects
 * are named one by one.
 */
function inOneForm (config: Config, dialects: readonly string[]): Config {
  const isEvery = config.DIALECTS?.includes(everyDialect) === true
  return {
    ...config,
    ...(isEvery && { DIALECTS: [...dialects] }),
    PEERJS_PATH: `/${config.PEERJS_PATH.split('/').filter((segment) => segment !== '').join('/')}`
  }
}

/**
 * The settings of one plugin, with the types of their schema. In an app where `PLUGINS` did not load the plugin, they have their
 * defaults.
 */
export function settingsIn<Schema extends TObject> (config: Config, schema: Schema): Static<Schema> {
  const given = Object.entries(config).filter(([name]) => Object.hasOwn(schema.properties, name))
  // Checked when the config was completed.
  return Value.Default(schema, Object.fromEntries(given)) as Static<Schema>
}

function asJson (value: unknown): string {
  try {
    return JSON.stringify(value) ?? `of type ${typeof value}`
  } catch {
    return `of type ${typeof value}`
  }
}

function isBlank (value: unknown): boolean {
  return typeof value === 'string' && value.trim() === ''
}

/** Short, and without the password of a URL. */
function shorten (text: string): string {
  const shown = text.replace(/:\/\/[^/@]*@/g, '://***@')
  return shown.length > maxShownLength ? `${shown.slice(0, maxShownLength)}…` : shown
}

function fromText (schema: TSchema, text: string): unknown {
  if (schema.type === 'integer') return /^\d+$/.test(text) ? Number(text) : text
  if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (schema.type === 'array') return schema.isUrls === true ? splitUrls(text) : splitList(text)
  return text
}

function splitList (text: string): string[] {
  return text.split(',').map((item) => item.trim()).filter((item) => item !== '')
}

/** Commas divide URLs only in front of another one: they may be part of one, too. */
function splitUrls (text: string): string[] {
  return text.replace(/[\s,]+$/, '').split(/,(?=\s*[a-z][a-z+-]*:\/\/)/i).map((url) => url.trim()).filter((url) => url !== '')
}
