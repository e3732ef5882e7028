import jwt, { type JWT } from '@fastify/jwt'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { tokenOf, verificationOf } from '../src/auth/tokens.js'
import { clockToleranceMs, type Identity, openPermit, type Permit, readPermit } from '../src/auth/permit.js'
import { identityOf } from '../src/auth/certificate.js'
import type { MaybePromise } from '../src/timing/maybe-promise.js'
import type { TokenHeader } from '../src/auth/verification.js'

/** Tells who a client is. What is missing or bad is undefined, whatever is wrong with it. */
export interface Auth {
  /** By a token, which is bad if it is another's than the certificate; without a JWT key every token is. */
  readonly verify: (token: string | undefined, identity?: Identity) => MaybePromise<Permit | undefined>
  /** By what a request comes with: its token, its certificate, or both. */
  readonly authenticate: (request: FastifyRequest) => MaybePromise<Permit | undefined>
}

/** How often a failing key server is logged at most. In ms. */
const complaintMs = 10_000

/** `app.signalbox.auth`, with a key or required certificates; without them everything is open, and the log says so once. */
export default fp(async (app) => {
  const { config, connections } = app.signalbox
  let complainedAt = -Infinity
  const verification = verificationOf(config, (reason) => {
    const now = performance.now()
    if (now - complainedAt < complaintMs) return
    complainedAt = now
    app.log.warn({ reason }, 'no keys from JWKS_URL: tokens of keys that are not known yet are refused')
  })

  const isRequired = config.TLS_REQUIRE_CLIENT_CERT
  const certified = ({ raw }: FastifyRequest) => config.TLS_CA === undefined ? undefined : identityOf(raw.socket)
  const byCertificate = (identity: Identity | undefined) => identity && readPermit({ sub: identity.subject }, Date.now(), identity)

  if (verification === undefined) {
    if (isRequired) app.signalbox.auth = { verify: () => undefined, authenticate: (request) => byCertificate(certified(request)) }
    else app.addHook('onReady', async () => app.log.warn('no JWT key is set: this server is open to everybody'))
    if (config.TLS_CA !== undefined) app.signalbox.identify = app.signalbox.auth?.authenticate ?? ((request) => byCertificate(certified(request)) ?? openPermit)
    return
  }

  if (config.JWKS_URL?.startsWith('http:') === true) {
    app.log.warn('JWKS_URL is http: whoever is on the way to the key server can let in anybody')
  }

  const { algorithms, key } = verification
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config
  let check: (token: string) => MaybePromise<unknown> = () => undefined
  await app.register(async (apart) => {
    // A place of our own, so that it does not matter what the app around us keeps under this name.
    const own: { signalbox?: JWT } = Object.create(null)
    apart.decorate('jwt', own as JWT)
    await apart.register(jwt, {
      namespace: 'signalbox',
      secret: { public: typeof key === 'string' ? key : async ({ header }: { header: TokenHeader }) => await key(header) },
      verify: {
        algorithms: [...algorithms],
        // By us, since the tolerance would count for it too.
        ignoreExpiration: true,
        clockTolerance: clockToleranceMs,
        requiredClaims: [...(issuer === undefined ? [] : ['iss']), ...(audience === undefined ? [] : ['aud'])],
        ...(issuer !== undefined && { allowedIss: issuer }),
        ...(audience !== undefined && { allowedAud: audience })
      }
    })
    check = (token) => own.signalbox?.verify(token)
  })

  const refused = (error: unknown): undefined => {
    app.log.debug({ code: (error as { code?: unknown }).code }, 'token refused')
  }

  function verify (token: string | undefined, identity?: Identity): MaybePromise<Permit | undefined> {
    if (token === undefined || (isRequired && identity === undefined)) return undefined
    try {
      const payload = check(token)
      if (payload instanceof Promise) return payload.then((payload: unknown) => readPermit(payload, Date.now(), identity)).catch(refused)
      return readPermit(payload, Date.now(), identity)
    } catch (error) {
      return refused(error)
    }
  }

  connections.verify = verify
  const authenticate: Auth['authenticate'] = (request) => verify(tokenOf(request.headers, request.query as Record<string, unknown>), certified(request))
  app.signalbox.auth = { verify, authenticate }
  app.signalbox.identify = authenticate
}, { name: 'auth', fastify: '5.x', dependencies: ['signalbox'] })
