export const dialect = 'tracker'

/** 20 bytes as code points, as BitTorrent writes hashes and peer ids. */
const bytes = /^[\0-\xff]{20}$/

/** Text that may stand for itself: no control character, no half of a pair, and nothing that the other two forms look like. */
const plain = /^(?!"|[0-9a-f]{40}$)[^\p{Cc}\p{Cs}]*$/u

/**
 * The name of a hash or a peer id outside this dialect, where names hold no control characters: 20 bytes as hexadecimal digits, other
 * text as it is, and what remains as JSON. No two have the same name.
 */
export function nameOf (binary: string): string {
  if (bytes.test(binary)) return Buffer.from(binary, 'latin1').toString('hex')
  if (plain.test(binary)) return binary
  return JSON.stringify(binary).replace(/[\x7f-\x9f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)
}

/** All peers of a swarm. Those that have everything are in a second room, too: so each kind is counted without listing anybody. */
export function roomOf (swarm: string): string {
  return `${dialect}/swarm/${swarm}`
}

/** Those that have everything. */
export function seedersOf (swarm: string): string {
  return `${dialect}/seeders/${swarm}`
}
