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

/**
 * Whether the bytes of a frame can be passed on, and where in them the rest begins: behind the members that are to come first, or -1
 * when the frame must be composed anew. Of a name that stands there twice some parsers take the first and some the last, some do
 * not undo the escapes in a name, and `JSON.parse` tells none of it. So the bytes must begin with exactly what was checked, and
 * hold each name once.
 *
 * @param first name and value in turn. It may end with a name, whose value is then where the rest begins
 */
export function restOf ({ bytes, memberCount }: Received, frame: JsonObject, first: readonly string[]): number {
  if (memberCount !== Object.keys(frame).length) return -1
  let at = 0
  for (let part = 0; part < first.length; part++) {
    const isName = part % 2 === 0
    if (isName) {
      if (bytes[at++] !== (part === 0 ? openingBrace : comma)) return -1
      // As Python writes it.
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

/** Where the closing brace of a frame is, if it is the last byte; else -1. */
export function endOf (bytes: Buffer): number {
  const last = bytes.length - 1
  return bytes[last] === closingBrace ? last : -1
}

/** Where the last member of a frame begins, with the comma before it, if it is exactly this one; else -1. */
export function lastMember (bytes: Buffer, name: string, value: string): number {
  const brace = endOf(bytes)
  if (brace === -1) return -1
  let at = brace - jsonLength(value)
  if (at < 0 || behindString(bytes, at, value) !== brace) return -1
  if (bytes[at - 1] === space) at--
  at -= jsonLength(name) + 1
  if (at < 1 || behindString(bytes, at, name) === -1 || bytes[at + jsonLength(name)] !== colon) return -1
  if (bytes[at - 1] === space) at--
  return bytes[at - 1] === comma ? at - 1 : -1
}

/** The bytes of an object with more members behind its own: `{"type":"a"}` and `,"b":2}` make `{"type":"a","b":2}`. Undefined unless they end with its brace. */
export function stamped (type: string, bytes: Buffer, members: string): Frame | undefined {
  const brace = endOf(bytes)
  return brace !== -1 ? Frame.around(type, '', bytes, 0, brace, members) : undefined
}

/** Behind exactly the JSON of a string that stands at `at`, or -1. In JavaScript: a call into Node costs five times as much. */
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

/** Bytes of a string as JSON. */
function jsonLength (value: string): number {
  for (let offset = 0; offset < value.length; offset++) {
    if (!isPlain(value.charCodeAt(offset))) return Buffer.byteLength(JSON.stringify(value))
  }
  return value.length + 2
}

/** Whether JSON writes the character as the one byte that it is. */
function isPlain (code: number): boolean {
  return code >= space && code <= lastAscii && code !== quoteSign && code !== backslash
}
