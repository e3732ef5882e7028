import { Type } from '@sinclair/typebox'

/** Ports from 0 to 65535. */
export const portPattern = '(\\d{1,4}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])'

/** A number of something. */
export const count = (byDefault: number, description: string) => Type.Integer({ minimum: 1, default: byDefault, description })

/** Bytes, or a time. */
export const amount = (bounds: { minimum: number, default: number }, description: string) =>
  Type.Integer({ ...bounds, maximum: 2 ** 31 - 1, description })

export const flag = (byDefault: boolean, description: string) => Type.Boolean({ default: byDefault, description })

export const oneOf = <Value extends string>(values: Value[], byDefault: Value | undefined, description: string) =>
  Type.Union(values.map((value) => Type.Literal(value)), { ...(byDefault !== undefined && { default: byDefault }), description })

/** Optional text. It may be absent, but not blank. */
export const text = (accepts: string, description: string, pattern = '\\S') => Type.Optional(Type.String({ pattern, accepts, description }))

/** Text that no message shows. */
export const secret = (accepts: string, description: string, pattern = '\\S') =>
  Type.Optional(Type.String({ pattern, accepts, description, writeOnly: true }))

interface ListOptions {
  /** Of each entry. */
  readonly pattern?: string
  /** What a message about a value that does not fit adds to what is accepted. */
  readonly hint?: string
  readonly minItems?: number
  readonly default?: string[]
}

export const list = (items: string, description: string, { pattern = '\\S', ...options }: ListOptions = {}) =>
  Type.Array(Type.String({ pattern }), { default: [], accepts: `a comma-separated list of ${items}`, description, ...options })
