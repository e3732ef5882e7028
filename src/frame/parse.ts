/** Deepest nesting of a frame: far more than any client sends, and cheap to walk through. */
const maxDepth = 64
/** Most members and elements of a frame, at all levels: parsing this many takes half a millisecond. */
const maxMembers = 4096

/** A parsed frame. */
export type JsonObject = Readonly<Record<string, unknown>>

/** A frame as it was received. */
export interface Received {
  readonly bytes: Buffer
  /**
   * Members of its object as counted in the bytes: more than the parsed object has when a name occurs twice. Of an array, its elements;
   * at least 1.
   */
  readonly memberCount: number
}

/** Parses bytes that hold JSON. Undefined, which no JSON is, for anything else, and for what is beyond the bounds. */
export function parse (bytes: Buffer, memberCount: number): unknown {
  if (memberCount === beyondBounds) return undefined
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

/** The value if it is a JSON object. Arrays are not. */
export function objectOf (value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as JsonObject : undefined
}

const beyondBounds = -1

const [other, quoteSign, opening, closing, comma] = [0, 1, 2, 3, 4]
const backslash = 92
const colon = 58
const quoteByte = 34

/** The kind of each byte outside strings. */
const kinds = new Uint8Array(256)
for (const [text, kind] of [['"', quoteSign], ['{[', opening], ['}]', closing], [',', comma]] as const) {
  for (const sign of text) kinds[sign.charCodeAt(0)] = kind
}

/**
 * How many members the object in these bytes has, or elements the array, if it is JSON; -1 when it is nested too deeply or has too many.
 * It reads the bytes, because parsing them is what must be bounded: a signal of 1.5 KB takes 0.3 µs, 1 MiB at most 4 ms.
 */
export function countMembers (bytes: Buffer): number {
  let depth = 0
  let all = 0
  let outer = 1
  for (let at = 0; at < bytes.length; at++) {
    switch (kinds[bytes[at] as number]) {
      case other:
        break
      case quoteSign:
        at = endOfString(bytes, at + 1)
        break
      case opening:
        if (++depth > maxDepth) return beyondBounds
        break
      case closing:
        depth--
        break
      case comma:
        if (++all > maxMembers) return beyondBounds
        if (depth === 1) outer++
    }
  }
  return outer
}

/** Where a value begins in the bytes of a frame, and where it ends. */
export type Span = readonly [from: number, to: number]

/**
 * The values of all members of this name that lie so deep in a frame, in their order: 1 is the frame itself. Each is one whole value.
 * A name that is written with escapes is passed over: whoever needs all values compares their number. For frames that have been parsed.
 */
export function valuesOf (bytes: Buffer, name: string, depth: number): Span[] {
  const key = Buffer.from(JSON.stringify(name))
  const spans: Span[] = []
  let level = 0
  let from = -1
  for (let at = 0; at < bytes.length; at++) {
    switch (kinds[bytes[at] as number]) {
      case other:
        break
      case quoteSign: {
        const begin = at
        at = endOfString(bytes, at + 1)
        // What a colon follows is a name.
        const isName = level === depth && bytes[at + 1] === colon && at + 1 - begin === key.length
        if (isName && key.compare(bytes, begin, at + 1) === 0) from = at + 2
        break
      }
      case opening:
        level++
        break
      default:
        if (level === depth && from !== -1) {
          spans.push([from, at])
          from = -1
        }
        if (kinds[bytes[at] as number] === closing) level--
    }
  }
  return spans
}

/** The end of a string is looked for byte by byte within this many bytes: a call into Node costs as much. */
const nearBytes = 48

/** Position of the quote that ends the string which begins before `at`. */
function endOfString (bytes: Buffer, at: number): number {
  while (at < bytes.length) {
    for (const near = Math.min(bytes.length, at + nearBytes); at < near; at++) {
      const byte = bytes[at]
      if (byte === quoteByte) return at
      if (byte === backslash) at++
    }
    const end = bytes.indexOf(quoteByte, at)
    if (end === -1) return bytes.length
    let first = end
    while (first > at && bytes[first - 1] === backslash) first--
    if ((end - first) % 2 === 0) return end
    at = end + 1
  }
  return at
}
