import fastify from 'fastify'
import { decodeJwt } from 'jose'
import { tokenCheck } from '../../../plugins/token-check.js'
import { type Permit, readPermit, refusalOf } from '../../auth/permit.js'
import { verificationOf } from '../../auth/tokens.js'
import type { Config } from '../../config/schema.js'
import { CommandError } from '../command.js'
import { printable } from '../printable.js'
import { inWords } from './lifetime.js'

/** What a server with these settings would say of a token. */
export type Verdict = { readonly permit: Permit } | { readonly refusal: string }

/**
 * Asks the code that the server asks.
 *
 * @throws CommandError where the settings have no key
 */
export async function judge (token: string, config: Config, now: number): Promise<Verdict> {
  let keyServer: string | undefined
  const verification = await verificationOf(config, (reason) => { keyServer = reason }, () => performance.now())
  if (verification === undefined) {
    throw new CommandError('no JWT_SECRET, JWT_PUBLIC_KEY or JWKS_URL: a server with these settings asks nobody for a token')
  }
  const check = await tokenCheck(fastify(), config, verification)
  let payload: unknown
  try {
    payload = await check(token)
  } catch (error) {
    return { refusal: keyServer === undefined ? reasonOf(error, token) : `no keys from JWKS_URL: ${keyServer}` }
  }
  const permit = readPermit(payload, now)
  return permit === undefined ? { refusal: refusalOf(payload, now) ?? 'refused' } : { permit }
}

const reasons: Readonly<Record<string, string>> = {
  FAST_JWT_MALFORMED: 'it is no token: three parts of base64url with dots between them',
  FAST_JWT_INVALID_TYPE: 'it is no token',
  FAST_JWT_INVALID_PAYLOAD: 'its payload is no JSON object',
  FAST_JWT_INVALID_SIGNATURE: 'it was signed with another key than the server’s',
  FAST_JWT_MISSING_SIGNATURE: 'it is not signed',
  FAST_JWT_INVALID_ALGORITHM: 'its algorithm is not that of the server’s key',
  FAST_JWT_INVALID_KEY: 'its algorithm is not that of the server’s key',
  FAST_JWT_INACTIVE: 'it is not valid yet (nbf)',
  FAST_JWT_KEY_FETCHING_ERROR: 'the key server has no key for it'
}

/** Names a claim, never what is expected of it: no message shows the settings. */
function reasonOf (error: unknown, token: string): string {
  const { code = '', message } = error as Error & { code?: string }
  const [, claim] = /The (\w+) claim/.exec(message) ?? []
  if (code === 'FAST_JWT_MISSING_REQUIRED_CLAIM') {
    return `${missing(token).join(' and ')} is missing, which JWT_ISSUER or JWT_AUDIENCE requires`
  }
  if (claim === 'iss') return 'its iss is not JWT_ISSUER'
  if (claim === 'aud') return 'its aud is not JWT_AUDIENCE'
  return reasons[code] ?? 'it is malformed'
}

function missing (token: string): string[] {
  const payload = decodeJwt(token)
  return ['iss', 'aud'].filter((claim) => payload[claim] === undefined)
}

/** What a permit allows, a line each. */
export function describePermit ({ subject = '', expiresAt, claims }: Permit, now: number): string {
  const { ids = [], dialects, bridge, groups, rooms, roles = [] } = claims ?? {}
  const each: Array<[string, string]> = [
    ['subject', subject],
    ['ids', [subject, ...ids].join(', ')],
    ['dialects', bounds(dialects)],
    ['bridge', bridge === undefined ? 'none, and any may call' : bounds(bridge)],
    ['groups', bounds(groups)],
    ['rooms', rooms?.length === 0 ? 'none, and none may be created' : bounds(rooms)],
    ['roles', roles.length === 0 ? 'none' : roles.join(', ')]
  ]
  const end = expiresAt === Infinity ? 'without an end' : `until ${new Date(expiresAt).toISOString()}, for ${inWords(expiresAt - now)}`
  // A token may claim anything.
  return [`valid ${end}`, ...each.map(([name, value]) => `${name.padEnd(10)}${printable(value)}`), ''].join('\n')
}

function bounds (list: readonly string[] | undefined): string {
  return list === undefined ? 'any' : list.length === 0 ? 'none' : list.join(', ')
}
