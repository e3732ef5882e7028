import { Type } from '@sinclair/typebox'

/** Well-formed Unicode: no half of a surrogate pair, which has no UTF-8, so that two texts would become one. With and without the flag `u`. */
export const wellFormed = /^[^\ud800-\udfff]*(?:[\ud800-\udbff][\udc00-\udfff][^\ud800-\udfff]*)*$/.source

/** The same without control characters. */
// eslint-disable-next-line no-control-regex -- they are what it forbids
export const printable = /^[^\u0000-\u001f\u007f-\u009f\ud800-\udfff]*(?:[\ud800-\udbff][\udc00-\udfff][^\u0000-\u001f\u007f-\u009f\ud800-\udfff]*)*$/.source

/** An id or a name of a room, group or session: 1 to 256 UTF-16 units of well-formed Unicode, no control characters. */
export const IdSchema = Type.String({ minLength: 1, maxLength: 256, pattern: printable })
