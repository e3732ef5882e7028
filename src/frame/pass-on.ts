import type { JsonObject, Received } from './parse.js'
import { Frame } from './bytes.js'

const openingBrace = 123
const closingBrace = 125
const quoteSign = 34
const backslash = 92
const comma = 44
const colon = 58
const space = 32
const lastAscii = 126

type TypedObject = JsonObject & { readonly type: string }

/** How a frame must be written for its bytes to be passed on. A constant of the dialect: the values are those of the frame. */
export interface PlainForm {
  /** The names of the members that must stand first. Their values are strings. */
  readonly first: readonly string[]
  /** The name of the member after them, whose value is not looked at. */
  readonly next?: string
  /** The name of the member that must stand last. Its value is a string. */
  readonly last?: string
  /** How many members the frame must have. Any number by default. */
  readonly members?: number
}

/**
 * The frame that passes on the bytes of another, or undefined if it must be composed anew.
 *
 * Of a name that occurs twice some parsers take the first value and some the last, some do not resolve escapes in names, and
 * `JSON.parse` reports none of it. So the bytes must begin with exactly what was checked, and hold each name once.
 *
 * @param tail text in place of the closing brace
 * @param head text in place of all bytes before the value of `next`. Then `tail` stands in place of `last` too
 */
export function passedOn (received: Received, frame: TypedObject, form: PlainForm, tail?: string, head?: string): Frame | undefined {
  const { bytes, memberCount } = received
  const { first, next, last, members } = form
  const count = Object.keys(frame).length
  if (memberCount !== count || (members !== undefined && members !== count)) return undefined
  const begin = behindFirst(bytes, frame, first, next)
  if (begin === -1) return undefined
  if (tail === undefined) return new Frame(frame.type, bytes)
  const brace = bytes.length - 1
  if (bytes[brace] !== closingBrace) return undefined
  const lastAt = last === undefined ? brace : lastMember(bytes, brace, last, frame[last] as string)
  if (lastAt === -1) return undefined
  if (head === undefined) return Frame.around(frame.type, '', bytes, 0, brace, tail)
  return Frame.around(frame.type, head, bytes, begin, lastAt, tail)
}

/** Where the bytes go on after the members in `first` and the name `next`, or -1 if they do not begin with them. */
function behindFirst (bytes: Buffer, frame: JsonObject, first: readonly string[], next: string | undefined): number {
  let at = 0
  for (const name of first) {
    at = behindName(bytes, at, name)
    if (at === -1) return -1
    at = behindString(bytes, at, frame[name] as string)
    if (at === -1) return -1
  }
  return next === undefined ? at : behindName(bytes, at, next)
}

/** The offset of the value whose name stands at `at`, or -1 if another member stands there. */
function behindName (bytes: Buffer, at: number, name: string): number {
  if (bytes[at] !== (at === 0 ? openingBrace : comma)) return -1
  // Python writes a space after the comma and after the colon.
  const begin = at > 0 && bytes[at + 1] === space ? at + 2 : at + 1
  const end = behindString(bytes, begin, name)
  if (end === -1 || bytes[end] !== colon) return -1
  return bytes[end + 1] === space ? end + 2 : end + 1
}

/** Where the last member begins, with the comma before it, if it is exactly this one; else -1. */
function lastMember (bytes: Buffer, brace: number, name: string, value: string): number {
  let at = brace - jsonLength(value)
  if (at < 0 || behindString(bytes, at, value) !== brace) return -1
  if (bytes[at - 1] === space) at--
  at -= jsonLength(name) + 1
  if (at < 1 || behindString(bytes, at, name) === -1 || bytes[at + jsonLength(name)] !== colon) return -1
  if (bytes[at - 1] === space) at--
  return bytes[at - 1] === comma ? at - 1 : -1
}

/** The offset after the JSON of a string that stands at `at`, or -1 if another stands there. Native calls would cost five times as much. */
function behindString (bytes: Buffer, at: number, value: string): number {
  if (bytes[at] !== quoteSign) return -1
  const from = at + 1
  for (let offset = 0; offset < value.length; offset++) {
    const code = value.charCodeAt(offset)
    if (!isPlain(code)) return behindEscaped(bytes, at, value)
    if (bytes[from + offset] !== code) return -1
  }
  return bytes[from + value.length] === quoteSign ? from + value.length + 1 : -1
}

function behindEscaped (bytes: Buffer, at: number, value: string): number {
  const json = Buffer.from(JSON.stringify(value))
  return json.equals(bytes.subarray(at, at + json.length)) ? at + json.length : -1
}

/** How many bytes a string takes as JSON. */
function jsonLength (value: string): number {
  for (let offset = 0; offset < value.length; offset++) {
    if (!isPlain(value.charCodeAt(offset))) return Buffer.byteLength(JSON.stringify(value))
  }
  return value.length + 2
}

/** Whether JSON writes the character as one byte, unescaped. */
function isPlain (code: number): boolean {
  return code >= space && code <= lastAscii && code !== quoteSign && code !== backslash
}
