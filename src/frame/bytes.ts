/** A frame for peers. Text and bytes alone have no type, and are counted as `other`. Bytes are not changed after they were handed over. */
export type FrameLike = Frame | string | Buffer

/** The type that metrics count untyped frames by. */
const untyped = 'other'

/** A frame for more members of a room than this is a broadcast, kept once for all; below, it is written to each member's socket. */
export const batchFrom = 8

const textFrame = 0x81

/** JSON text, or its UTF-8 bytes, with the type that metrics count it by: one that the dialect knows, never a client's text. */
export class Frame {
  readonly type: string
  /** Undefined where it is a part of `#encoded`, and cut out of it on demand. */
  #payload: string | Buffer | undefined
  /** The complete WebSocket frame, header and payload: made once, whatever the number of sockets. */
  #encoded: Buffer | undefined

  constructor (type: string, payload: string | Buffer) {
    this.type = type
    this.#payload = payload
  }

  /**
   * A frame of `head`, the bytes [from, to) of a frame that was received, and `tail`. The bytes are copied once and not serialised
   * again, which costs a quarter less.
   */
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

  /** The payload, without a header. */
  get payload (): string | Buffer {
    const encoded = this.#encoded
    return this.#payload ?? (encoded as Buffer).subarray(headerLengthOf(encoded as Buffer))
  }

  /** Length of the payload in bytes. */
  get byteLength (): number {
    const encoded = this.#encoded as Buffer
    return this.#payload === undefined ? encoded.length - headerLengthOf(encoded) : Buffer.byteLength(this.#payload)
  }

  /**
   * The WebSocket frame for a socket without extensions. Header and payload are one buffer, which costs 6 % less than two writes.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6455#section-5.2
   */
  get encoded (): Buffer {
    this.#encoded ??= encode(this.#payload as string | Buffer)
    return this.#encoded
  }
}

export function frameOf (given: FrameLike): Frame {
  return isTyped(given) ? given : new Frame(untyped, given)
}

/** The JSON text of a frame, or its UTF-8 bytes. */
export function payloadOf (given: FrameLike): string | Buffer {
  return isTyped(given) ? given.payload : given
}

/** Does not ask for the class: a plugin may bring its own copy of this package, and of the class. */
function isTyped (given: FrameLike): given is Frame {
  return typeof given === 'object' && !(given instanceof Uint8Array)
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
