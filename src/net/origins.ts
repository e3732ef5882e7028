import { isIP } from 'node:net'

/** The labels of a host as a browser writes them, with other scripts in Punycode. */
const labels = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/

/**
 * An entry of `ALLOWED_ORIGINS` as a browser writes that origin: in lower case, without the scheme's default port, with other scripts in
 * Punycode. Undefined for an origin that no browser sends.
 */
export function normalizeOrigin (entry: string): string | undefined {
  const written = entry.toLowerCase()
  if (written === '*' || written === 'null' || written === 'file://') return written
  const [, scheme, star = '', host = ''] = /^([a-z][a-z0-9+.-]*):\/\/(\*\.)?([^/?#@\\*\s]+)$/.exec(written) ?? []
  if (scheme === undefined || ['file', 'ws', 'wss', 'ftp'].includes(scheme)) return undefined
  const url = safely(() => new URL(`${scheme}://${host}`))
  if (url === undefined || (star !== '' && isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0)) return undefined
  // No browser has these: they would be accepted and match nobody.
  if (url.port === '0' || /^\.|\.\./.test(url.hostname)) return undefined
  return `${scheme}://${star}${url.host}`
}

/**
 * Makes a filter for the origins of browsers.
 *
 * @param allowed exact origins, `scheme://*.host` for any subdomain of a host at any depth, or `*` for every origin
 */
export function originFilter (allowed: readonly string[]): (origin: string) => boolean {
  const patterns = allowed.map(normalizeOrigin)
  if (patterns.includes('*')) return () => true
  const exact = new Set(patterns.filter((pattern) => pattern?.includes('*') === false))
  const wild = patterns.filter((pattern) => pattern?.includes('*') === true).map((pattern = '') => {
    const [scheme = '', domain = ''] = pattern.split('*')
    return { scheme, domain }
  })
  return (given) => {
    // The schemes of apps and extensions keep the case of their hosts: Safari writes those of extensions in capitals.
    const origin = given.toLowerCase()
    return exact.has(origin) || wild.some(({ scheme, domain }) =>
      origin.startsWith(scheme) && origin.endsWith(domain) && labels.test(origin.slice(scheme.length, -domain.length)))
  }
}

/** Headers that let a page of an allowed origin read an answer. None for other origins, and for who is no browser. */
export function corsHeadersFor (origin: string | undefined, isAllowed: (origin: string) => boolean): Record<string, string> {
  return origin !== undefined && isAllowed(origin) ? { 'access-control-allow-origin': origin, vary: 'Origin' } : {}
}

function safely<T> (decode: () => T): T | undefined {
  try {
    return decode()
  } catch {
    return undefined
  }
}
