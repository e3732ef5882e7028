import { Type } from '@sinclair/typebox'

/**
 * Well-formed Unicode: no unpaired surrogate. Those have no UTF-8, so two different texts would become one. Works with and without
 * the flag `u`.
 */
export const wellFormed = /^[^\ud800-\udfff]*(?:[\ud800-\udbff][\udc00-\udfff][^\ud800-\udfff]*)*$/.source

const plain = '[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]*'

/** The same without control characters. */
export const printable = `^${plain}(?:[\\ud800-\\udbff][\\udc00-\\udfff]${plain})*$`

/** An id, or the name of a room, group or session: 1 to 256 UTF-16 units of well-formed Unicode without control characters. */
export const IdSchema = Type.String({ minLength: 1, maxLength: 256, pattern: printable })
