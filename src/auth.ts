import { createPublicKey, KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { createRemoteJWKSet, errors } from 'jose'
import { type Config, ConfigError, ConfigSchema } from './config.js'
import { Rate, Throttle } from './throttle.js'

/** The subprotocol a client offers right before its token, and the only one of the pair that the server selects. */
export const tokenProtocol = 'signalbox.jwt'

/** How long a key server may take. In ms. */
const fetchTimeoutMs = 3_000
/** For so long keys are taken from the cache. In ms. */
const keysMaxAgeMs = 600_000
/** How often a token with an unknown key may make us fetch: so many times at once, and then so many a second. */
const reloadBurst = 5
const reloadRate = 0.1

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

/** The token in the `Authorization` header, which no link and no form can set. */
export function bearerOf ({ authorization = '' }: IncomingHttpHeaders): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
}

/** The token a request carries: as `Authorization: Bearer`, beside the subprotocol, or in the query. */
export function tokenOf (headers: IncomingHttpHeaders, query: Readonly<Record<string, unknown>>): string | undefined {
  const bearer = bearerOf(headers)
  if (bearer !== undefined) return bearer
  const protocols = headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? []
  const at = protocols.indexOf(tokenProtocol)
  if (at !== -1) return protocols[at + 1]
  // PeerJS clients send a `token` of their own making when they have no other.
  const token = [query.access_token ?? query.token].flat().at(-1)
  return typeof token === 'string' && token !== '' ? token : undefined
}

/**
 * What the settings say tokens are checked with; undefined when they say nothing.
 *
 * @throws ConfigError for a public key that is none, or of a kind that is not supported
 */
export function verificationOf ({ JWT_SECRET, JWT_PUBLIC_KEY, JWKS_URL }: Config, onUnreachable: (error: unknown) => void): Verification | undefined {
  if (JWT_SECRET !== undefined) return { algorithms: ['HS256'], key: JWT_SECRET }
  if (JWT_PUBLIC_KEY !== undefined) return publicKey(JWT_PUBLIC_KEY)
  if (JWKS_URL !== undefined) return remoteKeys(new URL(JWKS_URL), onUnreachable)
}

function publicKey (setting: string): Verification {
  const key = readPublicKey(setting)
  const algorithm = algorithmOf(key)
  if (algorithm === undefined) throw badKey('a key of another kind')
  return { algorithms: [algorithm], key: key.export({ type: 'spki', format: 'pem' }).toString() }
}

function readPublicKey (setting: string): KeyObject {
  let pem = setting
  if (!setting.includes('-----BEGIN ')) {
    try {
      pem = readFileSync(setting, 'utf8')
    } catch {
      throw badKey('the path of a file that cannot be read')
    }
  }
  // Whoever signs here has mixed the two up, and has put at risk what must stay with the signer.
  if (pem.includes('PRIVATE KEY')) throw badKey('a private key')
  try {
    // Some tools keep a variable on one line.
    return createPublicKey(pem.replaceAll('\\n', '\n'))
  } catch {
    throw badKey('what is no PEM')
  }
}

function badKey (got: string): ConfigError {
  return new ConfigError(`JWT_PUBLIC_KEY: got ${got}, takes text (${ConfigSchema.properties.JWT_PUBLIC_KEY.description})`)
}

function algorithmOf ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm | undefined {
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return 'RS256'
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
}

/** Keys of a server: by the token's `kid`, and only one whose type, and whose `alg` if it has one, is that of the token. */
function remoteKeys (url: URL, onUnreachable: (error: unknown) => void): Verification {
  const algorithms: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA']
  // It would fetch again for an unknown key only after a fixed while, which is long for a rotation and no bound on a flood.
  const find = createRemoteJWKSet(url, { timeoutDuration: fetchTimeoutMs, cacheMaxAge: keysMaxAgeMs, cooldownDuration: Infinity })
  const reloads = new Throttle(new Rate(reloadRate, reloadBurst))

  async function findFresh (header: { alg: string }) {
    try {
      return await find(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !reloads.take(performance.now())) throw error
      await find.reload()
      return await find(header)
    }
  }

  return {
    algorithms,
    async key ({ alg, kid }) {
      if (!algorithms.includes(alg as Algorithm)) throw new Error('unsupported algorithm')
      try {
        const key = await findFresh({ alg: String(alg), ...(kid !== undefined && { kid }) })
        return KeyObject.from(key).export({ type: 'spki', format: 'pem' }).toString()
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) onUnreachable(error)
        throw error
      }
    }
  }
}
