/** An ICE candidate, as far as it tells something. */
export interface Candidate {
  readonly type: string
  readonly protocol: string
  readonly address: string
  readonly port: number | null
  /** How this browser reaches the TURN server: udp, tcp or tls. */
  readonly relayProtocol: string | null
  /** The server that it came from. */
  readonly url: string | null
}

/** In the words of the table. */
export const typeWords: Readonly<Record<string, string>> = {
  host: 'this device',
  srflx: 'seen by a STUN server',
  prflx: 'seen by the other peer',
  relay: 'at a TURN server'
}

export type AddressKind = 'hidden' | 'loopback' | 'private' | 'public'

const loopback = [/^127\./, /^::1$/]
/** RFC 1918, carriers' NAT (RFC 6598), link-local and unique local addresses, and the one that is none. */
const internal = [
  /^10\./, /^192\.168\./, /^172\.(1[6-9]|2\d|3[01])\./, /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./, /^169\.254\./, /^0\./,
  /^f[cd][\da-f]{2}:/, /^fe[89ab][\da-f]:/, /^::$/
]

/** From where an address can be reached. A browser hides the device's own addresses behind names that end in `.local`. */
export function kindOf (address: string): AddressKind {
  const plain = address.toLowerCase().replace(/^\[|\]$/g, '').replace(/^::ffff:(?=\d+\.)/, '')
  if (plain.endsWith('.local')) return 'hidden'
  if (loopback.some((pattern) => pattern.test(plain))) return 'loopback'
  return internal.some((pattern) => pattern.test(plain)) ? 'private' : 'public'
}

/** How many there are of each type, such as `2 host, 1 relay`. */
export function countTypes (candidates: readonly Candidate[]): string {
  const counts = new Map<string, number>()
  for (const { type } of candidates) counts.set(type, (counts.get(type) ?? 0) + 1)
  return [...counts].map(([type, count]) => `${count} ${type}`).join(', ')
}
