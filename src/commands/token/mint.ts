import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SignJWT } from 'jose'
import type { Claims } from '../../auth/permit.js'
import { type Algorithm, algorithmOf } from '../../auth/verification.js'
import type { Config } from '../../config/schema.js'
import { CommandError } from '../command.js'

/** With what tokens are signed. */
export interface Signer {
  readonly alg: Algorithm
  readonly key: KeyObject | Uint8Array
  /** Names the key in a key set. */
  readonly kid?: string | undefined
}

/**
 * The signer of a private key file, or of `JWT_SECRET`. Undefined without either.
 *
 * @throws CommandError for a file that is no private key, or not that of `JWT_PUBLIC_KEY`
 */
export function signerOf ({ JWT_SECRET }: Config, keyFile: string | undefined, kid?: string): Signer | undefined {
  if (keyFile === undefined) return JWT_SECRET === undefined ? undefined : { alg: 'HS256', key: Buffer.from(JWT_SECRET) }
  const key = privateKeyIn(keyFile)
  const alg = algorithmOf(createPublicKey(key))
  if (alg === undefined) throw new CommandError('--key: unsupported kind of key, expected RSA of 2048 bits or more, P-256 or Ed25519')
  return { alg, key, kid }
}

function privateKeyIn (file: string): KeyObject {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(`--key: the file cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  try {
    return createPrivateKey(pem)
  } catch {
    throw new CommandError('--key: expected a PEM file with a private key, without a passphrase')
  }
}

/** Signs a token with the issuer and the audience that the settings ask for. */
export async function mint (claims: Claims, { alg, key, kid }: Signer, { JWT_ISSUER, JWT_AUDIENCE }: Config): Promise<string> {
  const payload = {
    ...claims,
    ...(JWT_ISSUER !== undefined && { iss: JWT_ISSUER }),
    ...(JWT_AUDIENCE !== undefined && { aud: JWT_AUDIENCE })
  }
  return await new SignJWT(payload).setProtectedHeader({ alg, typ: 'JWT', ...(kid !== undefined && { kid }) }).sign(key)
}
