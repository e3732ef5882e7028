import { Type } from '@sinclair/typebox'
import type { Permit } from '../auth/permit.js'
import { Frame } from '../frame/bytes.js'
import { andThen, type MaybePromise } from '../timing/maybe-promise.js'
import type { ConnectionHost } from './host.js'

type Verify = NonNullable<ConnectionHost['verify']>

/** A wait for a time of day is at most this long: the clock may be set meanwhile. In ms. */
const clockCheckMs = 60_000

/** The frames of every dialect where clients have tokens. */
export const renewalFrames = {
  receives: { auth: Type.Object({ type: Type.Literal('auth'), token: Type.String({ description: 'A fresh one of the same subject' }) }) },
  sends: { auth: Type.Object({ type: Type.Literal('auth'), ok: Type.Literal(true) }, { additionalProperties: false }) }
}

/** What a client hears when its fresh token counts. */
export const renewed = new Frame('auth', JSON.stringify({ type: 'auth', ok: true }))

/** The permit of a fresh token; undefined when the token is bad, or another subject's. */
export function renew (token: unknown, { subject, identity }: Permit, verify: Verify): MaybePromise<Permit | undefined> {
  if (typeof token !== 'string') return undefined
  return andThen(verify(token, identity), (fresh) => fresh?.subject === subject ? fresh : undefined)
}

/** ms until the expiry is looked at again: 0 when the token has expired, Infinity when it never does. */
export function expiryCheckMs ({ expiresAt }: Permit, timeOfDay: number): number {
  if (expiresAt === Infinity) return Infinity
  return Math.max(0, Math.min(expiresAt - timeOfDay, clockCheckMs))
}
