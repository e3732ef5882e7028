/** The bytes of a WebSocket client, for clients that write to a bare TCP socket. */

/** What a frame is, as its header says. */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** What differs from a whole frame that is as its header says. */
export interface FrameOptions {
  /** False for all fragments of a message but the last. */
  isLast?: boolean
  /** The payload's length as the header states it, in bytes. */
  length?: number
  /** Four bytes. By default zeros, which leave the payload as it is: servers skip the unmasking then, so benches need another mask. */
  mask?: Buffer
}

const noMask = Buffer.alloc(4)

/** One masked frame. */
export function encodeFrame (opcode: number, payload: Buffer | string = '', options: FrameOptions = {}): Buffer {
  const { isLast = true, length = Buffer.byteLength(payload), mask = noMask } = options
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const header = Buffer.alloc(2 + extended)
  header[0] = (isLast ? 0x80 : 0) | opcode
  header[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127)
  if (extended === 2) header.writeUInt16BE(length, 2)
  if (extended === 8) header.writeBigUInt64BE(BigInt(length), 2)
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  const frame = Buffer.concat([header, mask, bytes])
  if (mask === noMask) return frame
  for (let from = header.length + 4, at = 0; at < bytes.length; at++) frame[from + at] = (bytes[at] as number) ^ (mask[at % 4] as number)
  return frame
}

/** A text frame: text as it is, anything else as JSON. */
export function textFrame (value: unknown): Buffer {
  return encodeFrame(opcodes.text, typeof value === 'string' ? value : JSON.stringify(value))
}

/** What a request for an upgrade says beside its path. */
export interface Upgrade {
  host?: string
  /** Sent as a bearer token. */
  token?: string | undefined
  /** Further header lines. */
  headers?: readonly string[]
}

/** The request for an upgrade. */
export function upgradeRequest (path: string, { host = '127.0.0.1', token, headers = [] }: Upgrade = {}): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...headers,
    '',
    ''
  ].join('\r\n')
}

/**
 * Where the payload of the frame at `at` begins, and its length in bytes; undefined while the header is incomplete. Servers do not
 * mask.
 */
export function frameHeader (bytes: Buffer, at = 0): { start: number, size: number } | undefined {
  const short = bytes[at + 1]
  if (short === undefined) return undefined
  if (short < 126) return { start: at + 2, size: short }
  if (short === 126) return at + 4 > bytes.length ? undefined : { start: at + 4, size: bytes.readUInt16BE(at + 2) }
  return at + 10 > bytes.length ? undefined : { start: at + 10, size: Number(bytes.readBigUInt64BE(at + 2)) }
}
