import { randomUUID } from 'node:crypto'
import { Value } from '@sinclair/typebox/value'
import { IdSchema } from '../frame/ids.js'

/** Makes up an id: 1 to 256 characters without control characters, and never one that is in use. */
export type GenerateId = () => string

/**
 * A generator whose every id is checked. By default ids are random UUIDs.
 *
 * @throws TypeError for what is no function; the function that is returned throws one for what is no id
 */
export function checkedGenerator (generate: GenerateId = randomUUID): GenerateId {
  if (typeof generate !== 'function') throw new TypeError('generateId must be a function')
  if (generate === randomUUID) return () => randomUUID()
  return () => {
    const id: unknown = generate()
    if (Value.Check(IdSchema, id)) return id
    throw new TypeError(`generateId returned ${describe(id)}, expected text of 1 to 256 characters without control characters`)
  }
}

/** Never the value itself, which may be long. */
function describe (id: unknown): string {
  if (typeof id === 'string') return id === '' ? 'empty text' : `text of ${id.length} characters`
  return id instanceof Promise ? 'a promise' : `a value of type ${typeof id}`
}
