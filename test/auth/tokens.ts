import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import type { Env, Frame } from '../helper.js'
import type { Subject } from '../routes/dialects.js'

export const secret = 'a secret for tests, and 32 bytes long'

/** Settings with which every client needs a token. */
export const withSecret: Env = { JWT_SECRET: secret }

export interface Signing {
  alg?: string
  /** A secret, or a private key. */
  key?: string | KeyObject
  /** What else the header says. */
  header?: Frame
}

/** A token, signed by other code than the server checks it with. */
export function tokenFor (claims: unknown, { alg = 'HS256', key = secret, header = {} }: Signing = {}): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const input = `${encode({ alg, typ: 'JWT', ...header })}.${encode(claims)}`
  return `${input}.${signature(alg, key, input)}`
}

function signature (alg: string, key: string | KeyObject, input: string): string {
  const digest = `sha${alg.slice(2)}`
  if (alg === 'none') return ''
  if (alg.startsWith('HS')) return createHmac(digest, key).update(input).digest('base64url')
  if (typeof key === 'string') throw new TypeError('takes a private key')
  return signBytes(alg === 'EdDSA' ? null : digest, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

/** A pair of keys for an algorithm. */
export function pairFor (alg: string): { privateKey: KeyObject, publicKey: KeyObject, pem: string } {
  const pair = alg === 'EdDSA'
    ? generateKeyPairSync('ed25519')
    : alg.startsWith('ES')
      ? generateKeyPairSync('ec', { namedCurve: alg === 'ES256' ? 'P-256' : 'P-384' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...pair, pem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}

/** Seconds since the epoch, so many from now. */
export const inSeconds = (seconds: number) => Date.now() / 1000 + seconds

/** The headers that carry a token for these claims. */
export const bearing = (claims: Frame, signing?: Signing) => ({ headers: { authorization: `Bearer ${tokenFor(claims, signing)}` } })

/** How a dialect says what only it says so. */
export function notAllowed ({ name }: Subject): Frame {
  if (name === 'tom') return { type: 'error', error: 'not allowed' }
  if (name === 'gst') return { type: 'error', details: 'not allowed' }
  if (name === 'psync') return { type: 'error', payload: { message: 'not allowed' } }
  if (name === 'peerjs') return invalidToken
  if (name === 'tracker') return { action: 'announce', 'failure reason': 'not allowed', info_hash: '' }
  const [lastWord] = lastWords(name)
  if (lastWord !== undefined) return lastWord
  return { type: 'error', message: 'not allowed' }
}

export const invalidToken: Frame = { type: 'ERROR', payload: { msg: 'Invalid token provided' } }

/** What a dialect says to a client before it is closed for its token. */
export function lastWords (name: string): Frame[] {
  if (name === 'peerjs') return [invalidToken]
  return name === 'ayame' ? [{ type: 'reject', reason: 'not allowed' }] : []
}

export function withQuery (path: string, query: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}${query}`
}
