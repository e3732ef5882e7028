import { createHash, createHmac, randomBytes } from 'node:crypto'

/**
 * The messages of STUN and TURN, as far as an allocation that relays a packet needs them.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8489#section-5
 */
export const methods = { binding: 0x001, allocate: 0x003, refresh: 0x004, send: 0x006, data: 0x007, createPermission: 0x008 }

/** @see https://www.rfc-editor.org/rfc/rfc8656#section-18 */
export const attributes = {
  mappedAddress: 0x0001,
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  peerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  relayedAddress: 0x0016,
  requestedTransport: 0x0019,
  xorMappedAddress: 0x0020
}

const cookie = Buffer.from([0x21, 0x12, 0xa4, 0x42])
const headerBytes = 20
const indication = 0x0010
const success = 0x0100
const failed = 0x0110
const integrityBytes = 24
const kinds = ['request', 'indication', 'success', 'failure'] as const

export type Attribute = readonly [type: number, value: Buffer]

/** An address with its port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What came. */
export interface Message {
  readonly method: number
  readonly kind: typeof kinds[number]
  readonly id: string
  readonly attributes: ReadonlyMap<number, Buffer>
  /** Of a failure: such as 401. */
  readonly error: number | undefined
}

/** A message with a random id, of which some attributes are made: a request, or else what nobody answers. */
export function compose (method: number, listFor: (id: string) => readonly Attribute[], isRequest = true): Buffer {
  const id = randomBytes(12)
  const list = listFor(id.toString('hex'))
  const body = Buffer.concat(list.map(([type, value]) => {
    return Buffer.concat([twoNumbers(type, value.length), value, Buffer.alloc(-value.length & 3)])
  }))
  return Buffer.concat([twoNumbers(isRequest ? method : method | indication, body.length), cookie, id, body])
}

function twoNumbers (one: number, other: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt16BE(one, 0)
  bytes.writeUInt16BE(other, 2)
  return bytes
}

/** The key of a long-term credential. */
export function keyOf (username: string, realm: string, credential: string): Buffer {
  return createHash('md5').update(`${username}:${realm}:${credential}`).digest()
}

/** The message with its integrity behind it, whose length counts in what is hashed. */
export function signed (message: Buffer, key: Buffer): Buffer {
  const whole = Buffer.concat([message, twoNumbers(attributes.messageIntegrity, integrityBytes - 4), Buffer.alloc(integrityBytes - 4)])
  whole.writeUInt16BE(whole.length - headerBytes, 2)
  createHmac('sha1', key).update(whole.subarray(0, message.length)).digest().copy(whole, message.length + 4)
  return whole
}

/** The id of a message, by which its answer is known. In hex. */
export function idOf (message: Buffer): string {
  return message.toString('hex', 8, headerBytes)
}

/** The length of the message at the front of a stream. Undefined while its header has not come. */
export function lengthOf (bytes: Buffer): number | undefined {
  return bytes.length < headerBytes ? undefined : headerBytes + bytes.readUInt16BE(2)
}

/** Reads a message. Undefined for what is none. */
export function read (bytes: Buffer): Message | undefined {
  if (lengthOf(bytes) !== bytes.length || !bytes.subarray(4, 8).equals(cookie)) return undefined
  const found = new Map<number, Buffer>()
  for (let at = headerBytes; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 2)
    const type = bytes.readUInt16BE(at)
    // Of several with one type, the first counts.
    if (!found.has(type)) found.set(type, bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length + (-length & 3)
  }
  const type = bytes.readUInt16BE(0)
  const kind = kinds[[0, indication, success, failed].indexOf(type & failed)] ?? 'request'
  const code = found.get(attributes.errorCode)
  const error = kind === 'failure' && code !== undefined && code.length >= 4 ? (code[2] as number) * 100 + (code[3] as number) : undefined
  return { method: type & ~failed, kind, id: idOf(bytes), attributes: found, error }
}

/** An address in an attribute that hides it from clumsy NATs. Undefined for none. */
export function addressIn (value: Buffer | undefined, id: string, isHidden = true): Address | undefined {
  if (value === undefined || (value.length !== 8 && value.length !== 20)) return undefined
  const mask = isHidden ? Buffer.concat([cookie, Buffer.from(id, 'hex')]) : Buffer.alloc(16)
  const bytes = value.subarray(4).map((byte, at) => byte ^ (mask[at] as number))
  const port = value.readUInt16BE(2) ^ mask.readUInt16BE(0)
  if (bytes.length === 4) return { host: bytes.join('.'), port }
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] as number) << 8 | (bytes[2 * at + 1] as number)).toString(16))
  return { host: new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1), port }
}

/** An address as an attribute of a message with this id. */
export function hiddenAddress ({ host, port }: Address, id: string): Buffer {
  const mask = Buffer.concat([cookie, Buffer.from(id, 'hex')])
  const bytes = bytesOf(host)
  const masked = bytes.map((byte, at) => byte ^ (mask[at] as number))
  const value = Buffer.concat([Buffer.from([0, bytes.length === 4 ? 1 : 2, 0, 0]), masked])
  value.writeUInt16BE(port ^ mask.readUInt16BE(0), 2)
  return value
}

function bytesOf (host: string): Buffer {
  if (!host.includes(':')) return Buffer.from(host.split('.').map(Number))
  const [head = '', tail] = host.split('::')
  const [before, behind] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== '')) as [string[], string[]]
  const groups = [...before, ...Array<string>(8 - before.length - behind.length).fill('0'), ...behind]
  return Buffer.from(groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]))
}
