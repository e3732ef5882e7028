import { Type } from '@sinclair/typebox'
import type { Permit } from '../auth/permit.js'
import type { Connection } from '../dialect/connection.js'
import type { CompiledDialect } from '../dialect/dialect.js'
import { Frame } from '../frame/bytes.js'
import { closeCodes } from '../frame/close-codes.js'
import type { JsonObject } from '../frame/parse.js'
import { andThen, type MaybePromise } from '../timing/maybe-promise.js'
import type { Timer, Timers } from '../timing/timers.js'
import type { ConnectionHost } from './host.js'

type Verify = NonNullable<ConnectionHost['verify']>

/** A wait for a time of day is at most this long: the clock may be set meanwhile. In ms. */
const clockCheckMs = 60_000

/** How long a client may take for the frame with its token, where none came with its handshake. In ms. */
export const firstTokenMs = 5_000

/** The frames of every dialect where clients have tokens. */
export const renewalFrames = {
  receives: { auth: Type.Object({ type: Type.Literal('auth'), token: Type.String({ description: 'A fresh one of the same subject' }) }) },
  sends: { auth: Type.Object({ type: Type.Literal('auth'), ok: Type.Literal(true) }, { additionalProperties: false }) }
}

/** What a client hears when its fresh token counts. */
export const renewed = new Frame('auth', JSON.stringify({ type: 'auth', ok: true }))

/** The permit of a fresh token; undefined when the token is bad, or another subject's. */
export function renew ({ token }: JsonObject, { subject, identity }: Permit, verify: Verify): MaybePromise<Permit | undefined> {
  if (typeof token !== 'string') return undefined
  return andThen(verify(token, identity), (fresh) => fresh?.subject === subject ? fresh : undefined)
}

/** Whether a client's first frame must bring its token, since none came with the handshake. */
export function awaitsToken ({ tokenIn }: CompiledDialect, { subject }: Permit, { verify }: Pick<ConnectionHost, 'verify'>): boolean {
  return tokenIn !== undefined && verify !== undefined && subject === undefined
}

/** The permit for the token in a client's first frame; undefined when there is none, or a bad one. */
export function firstPermit (
  { tokenIn }: CompiledDialect,
  frame: JsonObject | undefined,
  { identity }: Permit,
  verify: Verify | undefined
): MaybePromise<Permit | undefined> {
  const token = frame && tokenIn?.(frame)
  return typeof token === 'string' ? verify?.(token, identity) : undefined
}

/** Closes a connection once its token has expired. */
export class ExpiryCheck {
  readonly #connection: Pick<Connection, 'may' | 'close'>
  readonly #timers: Timers
  #timer: Timer | undefined

  constructor (connection: Pick<Connection, 'may' | 'close'>, timers: Timers) {
    this.#connection = connection
    this.#timers = timers
  }

  /** Looks at the token that counts now, and again when it may have expired. */
  schedule (): void {
    this.end()
    const { may: { expiresAt } } = this.#connection
    if (expiresAt === Infinity) return
    const ms = Math.min(expiresAt - this.#timers.timeOfDay(), clockCheckMs)
    if (ms <= 0) this.#connection.close(closeCodes.tokenExpired)
    else this.#timer = this.#timers.schedule(ms, () => this.schedule())
  }

  end (): void {
    this.#timers.cancel(this.#timer)
  }
}
