/** A request's target with one slash where its path has several in a row. Its query stays as it is. */
export function mergeSlashes (target = '/'): string {
  if (!target.startsWith('/')) return target
  const at = target.indexOf('?')
  const end = at === -1 ? target.length : at
  const path = target.slice(0, end)
  return path.includes('//') ? path.replace(/\/{2,}/g, '/') + target.slice(end) : target
}

/**
 * Matches the targets of requests that a route may have, by whole segments. `/signal/*` has `/signal`, `/signal/` and `/signal/tom?id=1`,
 * but not `/signalboxes`. A segment with a parameter matches any.
 */
export function targetsOf (route: string): RegExp {
  const segments = route.split('/').filter((segment) => segment !== '').map((segment) => {
    if (segment === '*') return '(?:/[^?]*)?'
    const isOptional = segment.endsWith('?')
    return /[:*]/.test(segment) ? `(?:/+[^/?]+)${isOptional ? '?' : ''}` : `/+${segment.replace(/[.+^$()|[\]{}\\]/g, '\\$&')}`
  })
  return new RegExp(`^${segments.join('')}/*(?:\\?|$)`)
}
