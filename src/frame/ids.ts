import { Type } from '@sinclair/typebox'

/**
 * Well-formed Unicode. A lone surrogate has no UTF-8 form, so two different texts would become one. Works with and without the flag
 * `u`.
 */
export const wellFormed = /^[^\ud800-\udfff]*(?:[\ud800-\udbff][\udc00-\udfff][^\ud800-\udfff]*)*$/.source

const printableCharacter = String.raw`[^\u0000-\u001f\u007f-\u009f\ud800-\udfff]`
/** The same without control characters. */
export const printable = String.raw`^${printableCharacter}*(?:[\ud800-\udbff][\udc00-\udfff]${printableCharacter}*)*$`

/** An id or a name of a room, group or session: 1 to 256 UTF-16 units of well-formed Unicode, no control characters. */
export const IdSchema = Type.String({ minLength: 1, maxLength: 256, pattern: printable })
