const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'

interface Claims {
  readonly sub?: string
  readonly ids?: readonly string[]
  readonly groups?: readonly string[]
}

/** A name that nobody else has, and that people can read to each other. */
export function freshName (): string {
  // There is no crypto.randomUUID without TLS.
  return `demo-${[...crypto.getRandomValues(new Uint8Array(8))].map((byte) => alphabet[byte % alphabet.length]).join('')}`
}

/** An id that the token, if there is one, allows: a fresh one, or else its subject. */
export function idFor (token: string | undefined): string {
  const { sub, ids = [] } = claimsOf(token)
  return freshBelow(ids) ?? sub ?? freshName()
}

/** A group that the token, if there is one, allows: a fresh one, or else the first that it names. */
export function groupFor (token: string | undefined): string {
  const { groups = ['*'] } = claimsOf(token)
  return freshBelow(groups) ?? groups[0] ?? freshName()
}

/** Whether it looks like a JSON Web Token. Only the server knows whether it is good. */
export function isToken (text: string): boolean {
  return claimsOf(text).sub !== undefined
}

function freshBelow (patterns: readonly string[]): string | undefined {
  const open = patterns.find((pattern) => pattern.endsWith('*'))
  return open === undefined ? undefined : open.slice(0, -1) + freshName()
}

function claimsOf (token = ''): Claims {
  try {
    const [, payload = ''] = token.split('.')
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes)) as Claims
  } catch {
    return {}
  }
}
