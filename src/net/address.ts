import { isIPv6 } from 'node:net'

const maxLength = 64

/** An address as it is kept and logged. A claimed address may have any length. */
export function clipAddress (address: string): string {
  return address.slice(0, maxLength)
}

interface Client {
  readonly may: { readonly subject: string | undefined }
  readonly address: string
}

/** Identifies the client behind a connection, whatever ids it uses: the subject of its token, or else its network. */
export function originOf ({ may: { subject }, address }: Client): string {
  return subject ?? networkOf(address)
}

/**
 * The key under which a client's address is counted: an IPv4 address, or the /64 network that an IPv6 host has to itself. Text that is
 * no address stays as it is, cut to a length: a proxy may report anything.
 */
export function networkOf (address: string): string {
  if (!address.includes(':')) return clipAddress(address)
  const [host = ''] = address.split('%', 1)
  if (!isIPv6(host)) return clipAddress(address)
  const [head = '', tail = ''] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::')
  const [before, behind] = [head, tail].map((part) => part.split(':').filter((group) => group !== '')) as [string[], string[]]
  const groups = [...before, ...Array<string>(8 - before.length - behind.length).fill('0'), ...behind]
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return `${groups.slice(0, 4).join(':')}::/64`
  // An IPv4 address, as a dual-stack socket reports it.
  return groups.slice(6).flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]).join('.')
}
