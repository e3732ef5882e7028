import { type TArray, type TSchema, type TString, Type } from '@sinclair/typebox'
import { portPattern } from './declare.js'
import { ConfigSchema, type Settings } from './schema.js'

/** The settings that name built-in dialects, where these are built in. All are on by default. */
export function dialectSettings (names: readonly string[]): Settings {
  const { DIALECTS, NATIVE_PORTS } = ConfigSchema.properties
  return {
    DIALECTS: {
      ...DIALECTS,
      items: Type.Union(names.map((name) => Type.Literal(name))),
      accepts: `a comma-separated list of ${names.join(', ')}`,
      default: [...names]
    } satisfies TArray,
    NATIVE_PORTS: {
      ...NATIVE_PORTS,
      items: { ...NATIVE_PORTS.items, pattern: `^(${names.join('|')}):${portPattern}$` } satisfies TString
    } satisfies TArray
  }
}

/** The names that a setting of `dialectSettings` takes; none of the schema that does not know them. */
export function namesIn ({ items }: TSchema): readonly string[] {
  return ((items as TSchema).anyOf as ReadonlyArray<{ const: string }> | undefined)?.map(({ const: name }) => name) ?? []
}
