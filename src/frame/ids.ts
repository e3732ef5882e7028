import { Type } from '@sinclair/typebox'

/**
 * Well-formed Unicode. A lone surrogate has no UTF-8 form, so two different texts would become one. Works with and without the flag
 * `u`.
 */
export const wellFormed = /^[^\ud800-\udfff]*(?:[\ud800-\udbff][\udc00-\udfff][^\ud800-\udfff]*)*$/.source

/** The same without control characters. */
// eslint-disable-next-line no-control-regex -- forbids them
export const printable = /^[^\u0000-\u001f\u007f-\u009f\ud800-\udfff]*(?:[\ud800-\udbff][\udc00-\udfff][^\u0000-\u001f\u007f-\u009f\ud800-\udfff]*)*$/.source

/** An id or a name of a room, group or session: 1 to 256 UTF-16 units of well-formed Unicode, no control characters. */
export const IdSchema = Type.String({ minLength: 1, maxLength: 256, pattern: printable })
