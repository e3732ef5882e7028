import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { ConfigError } from '../config/config-error.js'
import type { Config } from '../config/schema.js'
import { algorithmOf, pemOf, type Verification } from './verification.js'

/** The subprotocol that a client offers right before its token. The server selects it, and never the token. */
export const tokenProtocol = 'signalbox.jwt'

/** The token in the `Authorization` header. No link and no form can set it. */
export function bearerOf ({ authorization = '' }: IncomingHttpHeaders): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
}

/** The token of a request: in the `Authorization` header, else after the subprotocol, else in the query. */
export function tokenOf (headers: IncomingHttpHeaders, query: Readonly<Record<string, unknown>>): string | undefined {
  const bearer = bearerOf(headers)
  if (bearer !== undefined) return bearer
  const protocols = headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? []
  const at = protocols.indexOf(tokenProtocol)
  if (at !== -1) return protocols[at + 1]
  // `token` comes last, since PeerJS clients make one up when they have none.
  const token = [query.access_token ?? query.token].flat().at(-1)
  return typeof token === 'string' && token !== '' ? token : undefined
}

/**
 * How tokens are verified, by the settings. Undefined without a key.
 *
 * @param onProblem called with the reason when keys of `JWKS_URL` cannot be fetched or used
 * @param now a monotonic clock, in ms
 * @throws ConfigError for a public key that cannot be read, or of an unsupported kind
 */
export async function verificationOf (
  { JWT_SECRET, JWT_PUBLIC_KEY, JWKS_URL }: Config,
  onProblem: (reason: string) => void,
  now: () => number
): Promise<Verification | undefined> {
  if (JWT_SECRET !== undefined) return { algorithms: ['HS256'], key: JWT_SECRET }
  if (JWT_PUBLIC_KEY !== undefined) return publicKey(JWT_PUBLIC_KEY)
  if (JWKS_URL === undefined) return undefined
  // Loaded only here: most servers have no key server.
  const { remoteKeys } = await import('./jwks.js')
  return remoteKeys(JWKS_URL, onProblem, now)
}

function publicKey (setting: string): Verification {
  const key = readPublicKey(setting)
  const algorithm = algorithmOf(key)
  if (algorithm === undefined) throw badKey('unsupported kind of key')
  return { algorithms: [algorithm], key: pemOf(key) }
}

function readPublicKey (setting: string): KeyObject {
  let pem = setting
  if (!setting.includes('-----BEGIN ')) {
    try {
      pem = readFileSync(setting, 'utf8')
    } catch {
      throw badKey('cannot read the file')
    }
  }
  // It must stay with the signer: here it is at risk.
  if (pem.includes('PRIVATE KEY')) throw badKey('is a private key')
  try {
    // Some tools put a variable on one line.
    return createPublicKey(pem.replaceAll('\\n', '\n'))
  } catch {
    throw badKey('not a PEM file')
  }
}

function badKey (problem: string): ConfigError {
  return new ConfigError(`JWT_PUBLIC_KEY: ${problem}, expected a public key for RS256 (RSA of 2048 bits or more), ES256 or EdDSA as PEM`)
}
