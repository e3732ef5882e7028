/** A request's target with one slash where its path has several in a row. Its query stays as it is. */
export function mergeSlashes (target = '/'): string {
  if (!target.startsWith('/')) return target
  const at = target.indexOf('?')
  const end = at === -1 ? target.length : at
  const path = target.slice(0, end)
  return path.includes('//') ? path.replace(/\/{2,}/g, '/') + target.slice(end) : target
}
