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

/** When the bytes of a frame that came are passed on, and what is written around them. */
export interface PassOn {
  readonly type: string
  /** The members that must stand first, as name and value in turn. It may end with a name, whose value is then not looked at. */
  readonly first: readonly string[]
  /** How many members the frame must have. Any number by default. */
  readonly members?: number
  /** The name and value of the member that must stand last. */
  readonly last?: readonly [name: string, value: string] | undefined
  /** Text in place of all bytes up to the end of `first`. Then `tail` stands in place of `last` too. */
  readonly head?: string
  /** Text in place of the closing brace. */
  readonly tail?: string
}

/**
 * The frame that passes on the bytes of another, or undefined if it must be composed anew.
 *
 * Of a name that occurs twice some parsers take the first value and some the last, some do not resolve escapes in names, and
 * `JSON.parse` reports none of it. So the bytes must begin with exactly what was checked, and hold each name once.
 */
export function passedOn (received: Received, frame: JsonObject, { type, first, members, last, head, tail }: PassOn): Frame | undefined {
  const { bytes, memberCount } = received
  const count = Object.keys(frame).length
  if (memberCount !== count || (members !== undefined && members !== count)) return undefined
  const begin = behindFirst(bytes, first)
  if (begin === -1) return undefined
  if (tail === undefined) return new Frame(type, bytes)
  const brace = bytes.length - 1
  if (bytes[brace] !== closingBrace) return undefined
  const lastAt = last === undefined ? brace : lastMember(bytes, brace, last)
  if (lastAt === -1) return undefined
  return head === undefined ? Frame.around(type, '', bytes, 0, brace, tail) : Frame.around(type, head, bytes, begin, lastAt, tail)
}

/** Where the bytes go on behind `first`, or -1 if they do not begin with it. */
function behindFirst (bytes: Buffer, first: readonly string[]): number {
  let at = 0
  for (let part = 0; part < first.length; part++) {
    const isName = part % 2 === 0
    if (isName) {
      if (bytes[at++] !== (part === 0 ? openingBrace : comma)) return -1
      // Python writes a space here.
      if (part > 0 && bytes[at] === space) at++
    }
    at = behindString(bytes, at, first[part] as string)
    if (at === -1) return -1
    if (!isName) continue
    if (bytes[at++] !== colon) return -1
    if (bytes[at] === space) at++
  }
  return at
}

/** Where the last member begins, with the comma before it, if it is exactly this one; else -1. */
function lastMember (bytes: Buffer, brace: number, [name, value]: readonly [string, string]): number {
  let at = brace - jsonLength(value)
  if (at < 0 || behindString(bytes, at, value) !== brace) return -1
  if (bytes[at - 1] === space) at--
  at -= jsonLength(name) + 1
  if (at < 1 || behindString(bytes, at, name) === -1 || bytes[at + jsonLength(name)] !== colon) return -1
  if (bytes[at - 1] === space) at--
  return bytes[at - 1] === comma ? at - 1 : -1
}

/** The offset behind the JSON of a string that stands at `at`, or -1 if another stands there. A call into Node would cost five times as much. */
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
