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
  /** What metrics count the frame by, where that is not in its member `type`. */
  readonly type?: string
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
export function passedOn (received: Received, frame: JsonObject, form: PlainForm, tail?: string, head?: string): Frame | undefined {
  const { bytes, memberCount } = received
  const { first, next, last, members, type = String(frame.type) } = form
  const count = Object.keys(frame).length
  if (memberCount !== count || (members !== undefined && members !== count)) return undefined
  const begin = behindFirst(bytes, frame, first, next)
  if (begin === -1) return undefined
  if (tail === undefined) return new Frame(type, bytes)
  const brace = bytes.length - 1
  if (bytes[brace] !== closingBrace) return undefined
  const lastAt = last === undefined ? brace : lastMember(bytes, brace, last, frame[last] as string)
  if (lastAt === -1) return undefined
  if (head === undefined) return Frame.around(type, '', bytes, 0, brace, tail)
  return Frame.around(type, head, bytes, begin, lastAt, tail)
}

/**
 * The frame that passes on the bytes of one member of another, between `head` and `tail`, and none of the other members: for clients
 * that write more than they need. Undefined if it must be composed anew: so if another member is an object or an array, and for the
 * reasons of `passedOn`.
 */
export function memberPassedOn (received: Received, frame: TypedObject, name: string, head: string, tail: string): Frame | undefined {
  const { bytes, memberCount } = received
  const names = Object.keys(frame)
  const place = names.indexOf(name)
  if (memberCount !== names.length || place === -1) return undefined
  let begin = 0
  for (let at = 0; at < place && begin !== -1; at++) begin = behindMember(bytes, begin, names[at] as string, frame)
  if (begin !== -1) begin = behindName(bytes, begin, name)
  let end = bytes.length - 1
  if (begin === -1 || bytes[end] !== closingBrace) return undefined
  for (let at = names.length - 1; at > place && end !== -1; at--) end = beforeMember(bytes, end, names[at] as string, frame)
  return end === -1 ? undefined : Frame.around(frame.type, head, bytes, begin, end, tail)
}

/** The offset after a member that stands at `at`, or -1. */
function behindMember (bytes: Buffer, at: number, name: string, frame: JsonObject): number {
  const json = scalarOf(frame[name])
  if (json === undefined) return -1
  const begin = behindName(bytes, at, name)
  return begin !== -1 && holds(bytes, begin, json) ? begin + json.length : -1
}

/** The offset of a member that ends at `end`, with the comma before it, or -1. */
function beforeMember (bytes: Buffer, end: number, name: string, frame: JsonObject): number {
  const json = scalarOf(frame[name])
  return json !== undefined && holds(bytes, end - json.length, json) ? beforeName(bytes, end - json.length, name) : -1
}

/** The JSON of text, a number, `true`, `false` or `null`; undefined for any other value. */
function scalarOf (value: unknown): Buffer | undefined {
  return typeof value === 'object' && value !== null ? undefined : Buffer.from(JSON.stringify(value))
}

function holds (bytes: Buffer, at: number, json: Buffer): boolean {
  return at >= 0 && json.equals(bytes.subarray(at, at + json.length))
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
  const at = brace - jsonLength(value)
  return at < 0 || behindString(bytes, at, value) !== brace ? -1 : beforeName(bytes, at, name)
}

/** The offset of a member whose value begins at `valueAt`, with the comma before it, or -1 if another stands there. */
function beforeName (bytes: Buffer, valueAt: number, name: string): number {
  let at = valueAt
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
