import type { TSchema } from '@sinclair/typebox'

/** The values that a setting accepts, in words. */
export function acceptedBy ({ accepts, type, minimum, maximum, anyOf }: TSchema): string {
  if (typeof accepts === 'string') return accepts
  if (type === 'boolean') return 'true or false'
  if (type === 'integer') return describeRange(minimum, maximum)
  if (type === 'array') return 'a comma-separated list'
  if (anyOf === undefined) return 'text'
  return `one of ${(anyOf as Array<{ const: string }>).map(({ const: value }) => value).join(', ')}`
}

function describeRange (minimum: number | undefined, maximum: number | undefined): string {
  if (minimum === undefined) return maximum === undefined ? 'an integer' : `an integer, ${maximum} or less`
  return maximum === undefined ? `an integer, ${minimum} or more` : `an integer from ${minimum} to ${maximum}`
}

/** A default as it is written in the environment. Empty without one. */
export function defaultOf ({ default: byDefault }: TSchema): string {
  return Array.isArray(byDefault) ? byDefault.join(',') : String(byDefault ?? '')
}
