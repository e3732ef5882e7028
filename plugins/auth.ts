import type { FastifyInstance, FastifyRequest } from 'fastify'
import { identityOf } from '../src/auth/certificate.js'
import { type Identity, openPermit, type Permit, readPermit, strangersPermit } from '../src/auth/permit.js'
import { tokenOf, verificationOf } from '../src/auth/tokens.js'
import type { Config } from '../src/config/schema.js'
import type { MaybePromise } from '../src/timing/maybe-promise.js'
import type { Timers } from '../src/timing/timers.js'
import { tokenCheck } from './token-check.js'

/** Establishes who a client is. A missing or bad credential gives undefined, whatever is wrong with it. */
export interface Auth {
  /** Nobody has to prove who they are: there is no JWT key, and no certificate is required. */
  readonly isOpen: boolean
  /** There is a JWT key, so a client may renew its token with an `auth` frame. */
  readonly hasKey: boolean
  /** The permit for a request, by its token, its certificate or both. Without either an open server gives `openPermit`. */
  readonly authenticate: (request: FastifyRequest) => MaybePromise<Permit | undefined>
  /** The permit of a client whose token may still come in a frame: it allows nothing. Undefined where it has shown one, or none counts. */
  readonly stranger: (request: FastifyRequest) => Permit | undefined
  /** The permit for a token. Its subject must be that of the certificate, if there is one. Without a JWT key no token is good. */
  readonly verify: (token: string | undefined, identity?: Identity) => MaybePromise<Permit | undefined>
}

/** A failing key server is logged at most this often. In ms. */
const complaintMs = 10_000

/**
 * Authentication by the settings. Without a JWT key and required certificates the server is open, and the log says so at the start.
 *
 * @throws ConfigError for a public key that cannot be used
 */
export async function openAuth (app: FastifyInstance, config: Config, timers: Timers): Promise<Auth> {
  let complainedAt = -Infinity
  const verification = await verificationOf(config, (reason) => {
    const now = timers.now()
    if (now - complainedAt < complaintMs) return
    complainedAt = now
    app.log.warn({ reason }, 'no keys from JWKS_URL: tokens signed with unknown keys are refused')
  }, () => timers.now())
  if (verification === undefined) return withoutKey(app, config, timers)
  if (config.JWKS_URL?.startsWith('http:') === true) {
    app.log.warn('JWKS_URL is http: anybody between this server and the key server can let clients in')
  }

  const check = await tokenCheck(app, config, verification)
  const certificateOf = certificateReader(config)
  const logRefusal = (error: unknown): undefined => {
    app.log.debug({ code: (error as { code?: unknown }).code }, 'token refused')
  }

  function verify (token: string | undefined, identity?: Identity): MaybePromise<Permit | undefined> {
    if (token === undefined || (config.TLS_REQUIRE_CLIENT_CERT && identity === undefined)) return undefined
    try {
      const payload = check(token)
      const read = (payload: unknown) => readPermit(payload, timers.timeOfDay(), identity)
      return payload instanceof Promise ? payload.then(read).catch(logRefusal) : read(payload)
    } catch (error) {
      return logRefusal(error)
    }
  }

  const tokenIn = ({ headers, query }: FastifyRequest) => tokenOf(headers, query as Record<string, unknown>)

  return {
    isOpen: false,
    hasKey: true,
    authenticate: (request) => verify(tokenIn(request), certificateOf(request)),
    stranger: (request) => tokenIn(request) === undefined ? strangersPermit(certificateOf(request)) : undefined,
    verify
  }
}

/** Certificates alone tell who a client is, where the settings name an authority for them. */
function withoutKey (app: FastifyInstance, config: Config, timers: Timers): Auth {
  const isOpen = !config.TLS_REQUIRE_CLIENT_CERT
  if (isOpen) app.addHook('onReady', async () => app.log.warn('no JWT key is set: this server is open to everybody'))
  const certificateOf = certificateReader(config)
  const byCertificate = (identity: Identity | undefined) => identity && readPermit({ sub: identity.subject }, timers.timeOfDay(), identity)
  return {
    isOpen,
    hasKey: false,
    authenticate: (request) => byCertificate(certificateOf(request)) ?? (isOpen ? openPermit : undefined),
    stranger: () => undefined,
    verify: () => undefined
  }
}

/** Reads the client certificate of a request. Without `TLS_CA` no certificate counts. */
function certificateReader ({ TLS_CA }: Config): (request: FastifyRequest) => Identity | undefined {
  return TLS_CA === undefined ? () => undefined : ({ raw }) => identityOf(raw.socket)
}
