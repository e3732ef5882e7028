/** A frame for peers. Text and bytes alone have no type that metrics could count them by. Not changed after it was handed over. */
export type FrameLike = Frame | string | Buffer

/** The type that metrics count untyped frames by. */
const untyped = 'other'

/** Up to so many, a frame for the members of a room is written as one for a single peer is. */
export const batchFrom = 8

const textFrame = 0x81

/** JSON text, or its UTF-8 bytes, and the type that metrics count it by: one that the dialect knows, never a client's text. */
export class Frame {
  readonly type: string
  /** Undefined where it is a part of what is encoded, and cut out for those few who ask. */
  #payload: string | Buffer | undefined
  /** The payload behind the header of a WebSocket message: made once, whatever the number of sockets. */
  #encoded: Buffer | undefined

  constructor (type: string, payload: string | Buffer) {
    this.type = type
    this.#payload = payload
  }

  /** Text, bytes of a frame that came, and text again. The bytes are copied once and not serialised again, which costs a quarter less. */
  static around (type: string, head: string, raw: Buffer, from: number, to: number, tail: string): Frame {
    const headLength = Buffer.byteLength(head)
    const length = headLength + to - from + Buffer.byteLength(tail)
    const start = headerLength(length)
    const bytes = Buffer.allocUnsafe(start + length)
    writeHeader(bytes, length)
    if (headLength > 0) bytes.write(head, start)
    raw.copy(bytes, start + headLength, from, to)
    bytes.write(tail, start + headLength + to - from)
    const frame = new Frame(type, '')
    frame.#payload = undefined
    frame.#encoded = bytes
    return frame
  }

  /** The text or the bytes alone. */
  get payload (): string | Buffer {
    const encoded = this.#encoded
    return this.#payload ?? (encoded as Buffer).subarray(headerLengthOf(encoded as Buffer))
  }

  /** Bytes of the payload. */
  get byteLength (): number {
    return this.#payload === undefined ? (this.#encoded as Buffer).length - headerLengthOf(this.#encoded as Buffer) : Buffer.byteLength(this.#payload)
  }

  /**
   * What a socket without extensions is given: header and payload in one buffer, which costs 6 % less than to write them one
   * after the other.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6455#section-5.2
   */
  get encoded (): Buffer {
    this.#encoded ??= encode(this.#payload as string | Buffer)
    return this.#encoded
  }
}

export function frameOf (wire: FrameLike): Frame {
  return isTyped(wire) ? wire : new Frame(untyped, wire)
}

export function payloadOf (wire: FrameLike): string | Buffer {
  return isTyped(wire) ? wire.payload : wire
}

/** Not by its class: a plugin may have a copy of this package, and of the class, of its own. */
function isTyped (wire: FrameLike): wire is Frame {
  return typeof wire === 'object' && !(wire instanceof Uint8Array)
}

function encode (payload: string | Buffer): Buffer {
  const length = Buffer.byteLength(payload)
  const start = headerLength(length)
  const bytes = Buffer.allocUnsafe(start + length)
  writeHeader(bytes, length)
  if (typeof payload === 'string') bytes.write(payload, start)
  else payload.copy(bytes, start)
  return bytes
}

function headerLength (length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10
}

function headerLengthOf (bytes: Buffer): number {
  return bytes[1] === 127 ? 10 : bytes[1] === 126 ? 4 : 2
}

function writeHeader (bytes: Buffer, length: number): void {
  bytes[0] = textFrame
  if (length < 126) {
    bytes[1] = length
  } else if (length < 65_536) {
    bytes[1] = 126
    bytes[2] = length >> 8
    bytes[3] = length & 255
  } else {
    bytes[1] = 127
    bytes.writeUIntBE(0, 2, 2)
    bytes.writeUIntBE(length, 4, 6)
  }
}
