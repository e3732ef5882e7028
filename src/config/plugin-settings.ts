import { TypeGuard, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ConfigError } from './config-error.js'
import { ConfigSchema, type Settings } from './schema.js'

/**
 * The settings that a plugin's module exports, checked.
 *
 * @param plugin as in `PLUGINS`
 * @param exported a TypeBox object, or undefined
 * @throws ConfigError that names the plugin and the first setting that cannot be one
 */
export function checkSettings (plugin: string, exported: unknown): Settings {
  if (exported === undefined) return {}
  if (!TypeGuard.IsObject(exported)) throw new ConfigError(`PLUGINS: the settings of "${plugin}" must be a Type.Object`)
  for (const [name, schema] of Object.entries(exported.properties)) {
    const fault = faultOf(name, schema, exported.required?.includes(name) === true)
    if (fault !== undefined) throw new ConfigError(`PLUGINS: the setting ${name} of "${plugin}" ${fault}`)
  }
  return exported.properties
}

function faultOf (name: string, schema: TSchema, isRequired: boolean): string | undefined {
  if (!/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(name)) return 'must have a name in capitals, such as AYAME_MAX_PEERS'
  if (Object.hasOwn(ConfigSchema.properties, name)) return 'is a setting of the server'
  if (name.endsWith('_FILE')) return 'must have a name that does not end in _FILE: every setting can also be given as a file'
  if (!isReadable(schema)) return 'must be an integer, a boolean, text, one of several texts, or a list of texts'
  if (typeof schema.description !== 'string' || schema.description.trim() === '') return 'needs a description'
  if (schema.default === undefined) return isRequired ? 'needs a default, or must be optional' : undefined
  return Value.Check(schema, schema.default) ? undefined : 'has a default that it does not accept'
}

/** Whether a value can be written as the text of a variable or a flag. */
function isReadable (schema: TSchema): boolean {
  return schema.type === 'integer' || schema.type === 'boolean' || isText(schema) || (schema.type === 'array' && isText(schema.items))
}

function isText ({ type, anyOf }: TSchema): boolean {
  return type === 'string' || (Array.isArray(anyOf) && anyOf.every(({ const: value }: TSchema) => typeof value === 'string'))
}

/** What the names of a dialect's settings begin with: `Y_WEBRTC_` for `y-webrtc`. */
export function settingPrefixOf (dialect: string): string {
  return `${dialect.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_`
}
