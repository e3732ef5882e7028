import { parseArgs } from 'node:util'
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ConfigError, invalidValue } from './config-error.js'
import { rules } from './rules.js'
import { acceptedBy, type Config, ConfigSchema, flagOf, type SettingName, settingNames } from './schema.js'

/** Settings whose values never appear in a message. A private key in the wrong setting is a secret too, and URLs may hold a password. */
const secrets: readonly string[] = [
  'JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL', 'TURN_SECRET', 'METRICS_TOKEN', 'REDIS_URL'
] satisfies SettingName[]

/**
 * Settings that may not be present and blank. Without them a protection is off, and a forgotten variable must not turn it off unnoticed.
 * The others are as safe by default as with a value, or it shows that they are missing.
 */
const guards: readonly string[] = [
  'JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE', 'TLS_CERT', 'TLS_KEY', 'TLS_CA', 'TLS_REQUIRE_CLIENT_CERT',
  'TURN_SECRET', 'METRICS_TOKEN', 'ALLOWED_ORIGINS', 'MAX_CLIENTS_PER_ADDRESS'
] satisfies SettingName[]

/** Characters of a value in a message. */
const maxShownLength = 128
/** Characters of an unknown flag in a message. Longer than any flag. */
const maxFlagLength = 64

/**
 * Reads settings from environment variables and flags. A flag wins. A blank value counts as absent, unless that turns a protection off.
 *
 * @throws ConfigError for the first setting with an invalid value, and for an unknown flag
 */
export function readConfig (env: NodeJS.ProcessEnv, argv: readonly string[]): Config {
  const flags = readFlags(argv)
  const given: Partial<Record<SettingName, unknown>> = {}
  for (const name of settingNames) {
    const text = (flags[name] ?? env[name])?.trim()
    if (text === undefined || (text === '' && !guards.includes(name))) continue
    given[name] = text === '' ? text : fromText(ConfigSchema.properties[name], text)
  }
  return completeConfig(given as Partial<Config>, (name) => JSON.stringify(shorten(flags[name] ?? env[name] ?? '')))
}

/**
 * Checks settings, and fills in the defaults.
 *
 * @param asWritten a setting's value as a message shows it
 * @throws ConfigError for the first setting with an invalid value, and for an unknown setting
 */
export function completeConfig (
  given: Partial<Config>,
  asWritten: (name: SettingName) => string = (name) => shorten(JSON.stringify(given[name]))
): Config {
  const shown = (name: SettingName): string => {
    const written = asWritten(name)
    // A key may have been given in place of its file's path.
    return secrets.includes(name) || written.includes('-----BEGIN') ? '(hidden)' : written
  }
  for (const name of Object.keys(given) as SettingName[]) {
    const schema = ConfigSchema.properties[name] as TSchema | undefined
    if (schema === undefined) throw new ConfigError(`${name}: unknown setting`)
    if (isBlank(given[name])) throw new ConfigError(`${name}: empty value, expected ${acceptedBy(name)}; leave it out to do without it`)
    if (given[name] === undefined || Value.Check(schema, given[name])) continue
    const hint = schema.hint === undefined ? '' : `; ${String(schema.hint)}`
    throw new ConfigError(`${name}: ${invalidValue(shown(name), acceptedBy(name))}${hint}`)
  }
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const config = Value.Default(ConfigSchema, known) as Config
  for (const { name, fits, problem } of rules) {
    if (!fits(config)) throw new ConfigError(`${name}: ${problem(shown(name))}`)
  }
  return config
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
  if (schema.type === 'array') return text.split(',').map((item) => item.trim()).filter((item) => item !== '')
  return text
}

function readFlags (argv: readonly string[]): Partial<Record<SettingName, string>> {
  const names = new Map(settingNames.map((name) => [flagOf(name).slice(2), name]))
  const args = argv.map((arg, at) => {
    const name = names.get(arg.slice(2))
    const isBare = name !== undefined && ConfigSchema.properties[name].type === 'boolean' && (argv[at + 1] ?? '--').startsWith('-')
    return isBare ? `${arg}=true` : arg
  })
  try {
    const options = Object.fromEntries([...names.keys()].map((flag) => [flag, { type: 'string' as const }]))
    const { values } = parseArgs({ args, options, strict: true, allowPositionals: false })
    return Object.fromEntries(Object.entries(values).map(([flag, value]) => [names.get(flag), value]))
  } catch (error) {
    throw new ConfigError(`${describeFlagError(error as Error & { code?: string })}; --help lists the flags`)
  }
}

/** Shows names only: an argument that is no flag may be the value of one, and a secret. */
function describeFlagError ({ code, message }: Error & { code?: string }): string {
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return 'Unexpected argument (hidden, since it may be a secret)'
  const [sentence = ''] = message.split(/\.\s/)
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return sentence
  const isName = /^Unknown option '--?[a-z][a-z-]*'$/.test(sentence) && sentence.length < maxFlagLength
  return isName ? sentence : 'Unknown option (hidden, since it may be a secret)'
}
