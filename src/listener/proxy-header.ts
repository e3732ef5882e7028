import { isIPv4, isIPv6 } from 'node:net'

/** What precedes everything else on a connection from a balancer. */
export interface ProxyHeader {
  /** In bytes. What follows is the client's. */
  readonly length: number
  /** The client's. Undefined where the balancer connects for itself, as for a health check, or does not know it. */
  readonly address: string | undefined
}

const textFront = Buffer.from('PROXY ')
const maxTextLength = 107

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n')
const fixedLength = 16
/** More than any balancer adds behind the addresses. In bytes. */
const maxLength = 4_096

const commands = { local: 0x20, proxy: 0x21 }
/** Families of a stream, each with the bytes of its two addresses and ports. */
const families = { unspecified: 0x00, ipv4: 0x11, ipv6: 0x21, unix: 0x31 }
const addressLengths: Readonly<Record<number, number>> = {
  [families.unspecified]: 0,
  [families.ipv4]: 12,
  [families.ipv6]: 36,
  [families.unix]: 216
}

/**
 * The header of the PROXY protocol, version 1 or 2, at the front of a connection. What version 2 has beside the addresses is skipped.
 *
 * @param bytes what has come so far
 * @returns `incomplete` while more bytes may make a header of them, `invalid` when none can
 * @see https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
 */
export function readProxyHeader (bytes: Buffer): ProxyHeader | 'incomplete' | 'invalid' {
  if (beginsAs(bytes, signature)) return bytes.length < fixedLength ? 'incomplete' : readBinary(bytes)
  return beginsAs(bytes, textFront) ? readText(bytes) : 'invalid'
}

/** Whether the bytes begin with these, as far as they have come. */
function beginsAs (bytes: Buffer, front: Buffer): boolean {
  const length = Math.min(bytes.length, front.length)
  return bytes.compare(front, 0, length, 0, length) === 0
}

function readText (bytes: Buffer): ProxyHeader | 'incomplete' | 'invalid' {
  const front = bytes.toString('latin1', 0, maxTextLength)
  const end = front.indexOf('\r\n')
  if (end === -1) return bytes.length < maxTextLength ? 'incomplete' : 'invalid'
  const length = end + 2
  const line = front.slice(textFront.length, end)
  if (/^UNKNOWN( |$)/.test(line)) return { length, address: undefined }
  const [family, source = '', target = '', ...ports] = line.split(' ')
  const fits = family === 'TCP4' ? isIPv4 : isPlainIPv6
  const isKnown = family === 'TCP4' || family === 'TCP6'
  return isKnown && [source, target].every(fits) && ports.length === 2 && ports.every(isPort)
    ? { length, address: shortest(source) }
    : 'invalid'
}

function readBinary (bytes: Buffer): ProxyHeader | 'incomplete' | 'invalid' {
  const [command, family = -1] = bytes.subarray(signature.length)
  const length = fixedLength + bytes.readUInt16BE(fixedLength - 2)
  if (length > maxLength || (command !== commands.local && command !== commands.proxy)) return 'invalid'
  const addressLength = command === commands.local ? 0 : addressLengths[family]
  if (addressLength === undefined || fixedLength + addressLength > length) return 'invalid'
  if (bytes.length < length) return 'incomplete'
  return { length, address: command === commands.local ? undefined : sourceOf(bytes.subarray(fixedLength), family) }
}

function sourceOf (addresses: Buffer, family: number): string | undefined {
  if (family === families.ipv4) return addresses.subarray(0, 4).join('.')
  if (family !== families.ipv6) return undefined
  return shortest(addresses.toString('hex', 0, 16).replace(/.{4}(?!$)/g, '$&:'))
}

/** An address as it is usually written; one of IPv4 in an IPv6 address as itself. */
function shortest (address: string): string {
  if (isIPv4(address)) return address
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, ...groups] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(written) ?? []
  if (groups.length === 0) return written
  return groups.map((group) => parseInt(group, 16)).flatMap((group) => [group >> 8, group & 255]).join('.')
}

const isPlainIPv6 = (text: string): boolean => isIPv6(text) && !text.includes('%')

const isPort = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
