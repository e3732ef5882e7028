/**
 * Decides which browser origins are let in.
 *
 * @param patterns exact origins, `scheme://*.host` for any subdomain of a host at any depth, or `*` for every origin
 */
export function originFilter (patterns: readonly string[]): (origin: string) => boolean {
  if (patterns.includes('*')) return () => true
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const wild = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => {
    const [scheme = '', domain = ''] = pattern.split('*')
    return { scheme, domain }
  })
  return (origin) => exact.has(origin) || wild.some(({ scheme, domain }) =>
    origin.startsWith(scheme) && origin.endsWith(domain) && origin.length > scheme.length + domain.length)
}
