import { type TArray, type TSchema, type TString, Type } from '@sinclair/typebox'
import { portPattern } from './declare.js'
import { ConfigSchema, type Settings } from './schema.js'

/** In `DIALECTS`, in place of the names of all that are built in. */
export const everyDialect = 'all'

/** A built-in dialect, as far as the settings are concerned. */
export interface NamedDialect {
  readonly name: string
  readonly isOptional?: boolean
}

/** The settings that name built-in dialects, where these are built in. All are on by default but the optional ones. */
export function dialectSettings (dialects: readonly NamedDialect[]): Settings {
  const { DIALECTS, NATIVE_PORTS } = ConfigSchema.properties
  const names = dialects.map(({ name }) => name)
  return {
    DIALECTS: {
      ...DIALECTS,
      items: Type.Union([everyDialect, ...names].map((name) => Type.Literal(name))),
      accepts: `${everyDialect}, or a comma-separated list of ${names.join(', ')}`,
      default: dialects.filter(({ isOptional = false }) => !isOptional).map(({ name }) => name)
    } satisfies TArray,
    NATIVE_PORTS: {
      ...NATIVE_PORTS,
      items: { ...NATIVE_PORTS.items, pattern: `^(${names.join('|')}):${portPattern}$` } satisfies TString
    } satisfies TArray
  }
}

/** The dialects that a setting of `dialectSettings` names, where it names all; none of the schema that does not know them. */
export function namesIn ({ items }: TSchema): readonly string[] {
  const known = (items as TSchema).anyOf as ReadonlyArray<{ const: string }> | undefined
  return known?.map(({ const: name }) => name).filter((name) => name !== everyDialect) ?? []
}

/** Those that are on by default. */
export function defaultsIn (setting: TSchema): readonly string[] {
  return (setting.default as readonly string[] | undefined) ?? []
}
