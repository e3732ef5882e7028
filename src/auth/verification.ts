import type { KeyObject } from 'node:crypto'

export type Algorithm = 'HS256' | 'RS256' | 'ES256' | 'EdDSA'

/** The header of a token, before anything in it is verified. */
export interface TokenHeader {
  readonly alg?: string
  readonly kid?: string
}

/** How the signatures of tokens are verified. */
export interface Verification {
  /** No other algorithm is accepted. */
  readonly algorithms: readonly Algorithm[]
  /** A secret, a PEM, or a function that finds the PEM for a token and rejects without one. */
  readonly key: string | ((header: TokenHeader) => Promise<string>)
}

/** A public key as PEM. */
export function pemOf (key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

/** The algorithm of a public key. Undefined for an unsupported kind of key, and for RSA below 2048 bits. */
export function algorithmOf ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm | undefined {
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return 'RS256'
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
}
