import { Type } from '@sinclair/typebox'

/** An id or a name of a room, group or session: 1 to 256 UTF-16 units, no control characters. */
export const IdSchema = Type.String({
  minLength: 1,
  maxLength: 256,
  // eslint-disable-next-line no-control-regex -- control characters are what it forbids
  pattern: /^[^\u0000-\u001f\u007f-\u009f]*$/.source
})
