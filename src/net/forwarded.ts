import type { IncomingHttpHeaders } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'

/** Entries of a header that are read: more than any way has proxies. */
const maxEntries = 64

/**
 * An entry of a forwarding header as the address alone: without a port, brackets, quotes and an IPv6 zone. What is no address stays as
 * it is.
 */
export function plainAddress (entry: string): string {
  const text = entry.trim().replace(/^"(.*)"$/, '$1')
  const [, bracketed] = /^\[(.*)\](:\w+)?$/.exec(text) ?? []
  const [host = '', ...ports] = text.split(':')
  const address = bracketed ?? (ports.length === 1 && isIPv4(host) ? host : text)
  return isIPv6(address) ? address.replace(/%.*$/s, '') : address
}

/**
 * The addresses that the proxies on a request's way saw, the nearest proxy's last: those of `X-Forwarded-For`, or else of `Forwarded`.
 * Undefined without either.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7239#section-4
 */
export function forwardedAddresses (headers: IncomingHttpHeaders): string[] | undefined {
  const { 'x-forwarded-for': list, forwarded } = headers
  if (list !== undefined) return String(list).split(',').slice(-maxEntries).map(plainAddress).filter((address) => address !== '')
  return forwarded === undefined ? undefined : elementsOf(forwarded).map(addressIn)
}

/** Writes what `forwardedAddresses` finds into `X-Forwarded-For`, which Fastify reads. */
export function normalizeForwarded (headers: IncomingHttpHeaders): void {
  const addresses = forwardedAddresses(headers)
  if (addresses !== undefined) headers['x-forwarded-for'] = addresses.join(', ')
}

/**
 * The last elements of `Forwarded`. Read from its end, which the nearest proxy wrote: a quote that a client left open then spoils
 * nothing but what that client claims.
 */
function elementsOf (header: string): string[] {
  const elements: string[] = []
  let end = header.length
  let isQuoted = false
  for (let at = end - 1; at >= -1 && elements.length < maxEntries; at--) {
    if (header[at] === '"' && !(isQuoted && isEscaped(header, at))) isQuoted = !isQuoted
    if (at >= 0 && (header[at] !== ',' || isQuoted)) continue
    elements.push(header.slice(at + 1, end))
    end = at
  }
  return elements.reverse()
}

function isEscaped (text: string, at: number): boolean {
  let backslashes = 0
  while (text[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

function addressIn (element: string): string {
  const [, value = 'unknown'] = /(?:^|;)\s*for\s*=\s*("[^"]*"|[^;\s]*)/i.exec(element) ?? []
  return plainAddress(value)
}
