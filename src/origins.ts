/**
 * Decides which browser origins are let in.
 *
 * @param allowed exact origins, `scheme://*.host` for any subdomain of a host at any depth, or `*` for every origin
 */
export function originFilter (allowed: readonly string[]): (origin: string) => boolean {
  // Browsers write scheme and host in small letters.
  const patterns = allowed.map((pattern) => pattern.toLowerCase())
  if (patterns.includes('*')) return () => true
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const wild = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => {
    const [scheme = '', domain = ''] = pattern.split('*')
    return { scheme, domain }
  })
  return (origin) => exact.has(origin) || wild.some(({ scheme, domain }) =>
    origin.startsWith(scheme) && origin.endsWith(domain) && origin.length > scheme.length + domain.length)
}
