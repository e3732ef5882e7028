import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { type Config, ConfigError, ConfigSchema } from '../config/schema.js'
import { remoteKeys } from './jwks.js'
import { algorithmOf, pemOf, type Verification } from './verification.js'

/** The subprotocol a client offers right before its token, and the only one of the pair that the server selects. */
export const tokenProtocol = 'signalbox.jwt'

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
export function verificationOf ({ JWT_SECRET, JWT_PUBLIC_KEY, JWKS_URL }: Config, onProblem: (reason: string) => void, clock?: () => number): Verification | undefined {
  if (JWT_SECRET !== undefined) return { algorithms: ['HS256'], key: JWT_SECRET }
  if (JWT_PUBLIC_KEY !== undefined) return publicKey(JWT_PUBLIC_KEY)
  if (JWKS_URL !== undefined) return remoteKeys(JWKS_URL, onProblem, clock)
}

function publicKey (setting: string): Verification {
  const key = readPublicKey(setting)
  const algorithm = algorithmOf(key)
  if (algorithm === undefined) throw badKey('a key of another kind')
  return { algorithms: [algorithm], key: pemOf(key) }
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
