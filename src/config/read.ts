import { parseArgs } from 'node:util'
import { type Static, type TObject, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ConfigError, invalidValue } from './config-error.js'
import { rules } from './rules.js'
import { acceptedBy, type Config, ConfigSchema, flagOf, type SettingName, type Settings } from './schema.js'

/** Settings whose values never appear in a message. A private key in the wrong setting is a secret too, and URLs may hold a password. */
const secrets: readonly string[] = [
  'JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL', 'TURN_SECRET', 'METRICS_TOKEN', 'REDIS_URL', 'REDIS_CA'
] satisfies SettingName[]

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

/** Characters of a value in a message. */
const maxShownLength = 128
/** Characters of an unknown flag in a message. Longer than any flag. */
const maxFlagLength = 64

/** The modules of `PLUGINS`, whose settings must be known before others are read. Faults are left to `readConfig`. */
export function pluginsIn (env: NodeJS.ProcessEnv, argv: readonly string[]): string[] {
  const { values } = parseFlags(argv, ConfigSchema.properties, false)
  const flag = values[flagOf('PLUGINS').slice(2)]
  const text = typeof flag === 'string' ? flag : env.PLUGINS
  return text === undefined ? [] : splitList(text)
}

/**
 * Reads settings from environment variables and flags. A flag wins. A blank value counts as absent, unless that turns a protection off.
 *
 * @param ofPlugins settings that plugins add
 * @throws ConfigError for the first setting with an invalid value, and for an unknown flag
 */
export function readConfig (env: NodeJS.ProcessEnv, argv: readonly string[], ofPlugins: Settings = {}): Config {
  const settings: Settings = { ...ConfigSchema.properties, ...ofPlugins }
  const flags = readFlags(argv, settings)
  const given: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(settings)) {
    const text = (flags[name] ?? env[name])?.trim()
    if (text === undefined || (text === '' && !guards.includes(name))) continue
    given[name] = text === '' ? text : fromText(schema, text)
  }
  return completeConfig(given, ofPlugins, (name) => JSON.stringify(shorten(flags[name] ?? env[name] ?? '')))
}

/**
 * Checks settings, and fills in the defaults.
 *
 * @param ofPlugins settings that plugins add
 * @param asWritten a setting's value as a message shows it
 * @throws ConfigError for the first setting with an invalid value, and for an unknown setting
 */
export function completeConfig (
  given: GivenConfig,
  ofPlugins: Settings = {},
  asWritten: (name: string) => string = (name) => shorten(JSON.stringify(given[name]))
): Config {
  const settings: Settings = { ...ConfigSchema.properties, ...ofPlugins }
  const shown = (name: string): string => {
    const written = asWritten(name)
    // A key may have been given in place of its file's path.
    const isHidden = secrets.includes(name) || settings[name]?.writeOnly === true || written.includes('-----BEGIN')
    return isHidden ? '(hidden)' : written
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
  const config = Value.Default(Type.Object(settings), known) as Config
  for (const { name, fits, problem } of rules) {
    if (!fits(config)) throw new ConfigError(`${name}: ${problem(shown(name), config)}`)
  }
  return config
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

function readFlags (argv: readonly string[], settings: Settings): Partial<Record<string, string>> {
  try {
    const { values, names } = parseFlags(argv, settings, true)
    return Object.fromEntries(Object.entries(values).map(([flag, value]) => [names.get(flag), String(value)]))
  } catch (error) {
    throw new ConfigError(`${describeFlagError(error as Error & { code?: string })}; --help lists the flags`)
  }
}

/** Flags and their values as text. `names` has the setting of each flag. What is not `strict` skips unknown flags. */
function parseFlags (argv: readonly string[], settings: Settings, strict: boolean) {
  const names = new Map(Object.keys(settings).map((name) => [flagOf(name).slice(2), name]))
  const args = argv.map((arg, at) => {
    const isBoolean = settings[names.get(arg.slice(2)) ?? '']?.type === 'boolean'
    return isBoolean && (argv[at + 1] ?? '--').startsWith('-') ? `${arg}=true` : arg
  })
  const options = Object.fromEntries([...names.keys()].map((flag) => [flag, { type: 'string' as const }]))
  const { values } = parseArgs({ args, options, strict, allowPositionals: !strict })
  return { values, names }
}

/** Shows names only: an argument that is no flag may be the value of one, and a secret. */
function describeFlagError ({ code, message }: Error & { code?: string }): string {
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return 'Unexpected argument (hidden, since it may be a secret)'
  const [sentence = ''] = message.split(/\.\s/)
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return sentence
  const isName = /^Unknown option '--?[a-z][a-z-]*'$/.test(sentence) && sentence.length < maxFlagLength
  return isName ? sentence : 'Unknown option (hidden, since it may be a secret)'
}
