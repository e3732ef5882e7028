import type { KeyObject } from 'node:crypto'

export type Algorithm = 'HS256' | 'RS256' | 'ES256' | 'EdDSA'

/** What a token says of its signature, before anything of it is checked. */
export interface TokenHeader {
  readonly alg?: string
  readonly kid?: string
}

/** What tokens are checked with, and the only algorithms that count. */
export interface Verification {
  readonly algorithms: readonly Algorithm[]
  /** A secret, PEM, or how to find the PEM for a token. */
  readonly key: string | ((header: TokenHeader) => Promise<string>)
}

export function pemOf (key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

/** The one that fits a public key; undefined for a kind that is not supported, and for RSA below 2048 bits. */
export function algorithmOf ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm | undefined {
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return 'RS256'
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
}
