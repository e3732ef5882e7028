import jwt, { type JWT } from '@fastify/jwt'
import type { FastifyInstance } from 'fastify'
import { clockToleranceMs } from '../src/auth/permit.js'
import type { TokenHeader, Verification } from '../src/auth/verification.js'
import type { Config } from '../src/config/schema.js'
import type { MaybePromise } from '../src/timing/maybe-promise.js'

/**
 * Registers @fastify/jwt for us alone. The function it returns checks a token's signature, issuer, audience and `nbf`, and returns
 * its payload.
 *
 * @returns a function that throws, or rejects, for a bad token
 */
export async function tokenCheck (
  app: FastifyInstance,
  { JWT_ISSUER: issuer, JWT_AUDIENCE: audience }: Config,
  { algorithms, key }: Verification
): Promise<(token: string) => MaybePromise<unknown>> {
  // Decorated in a scope of its own, so that it cannot clash with an `app.jwt` of the app around us.
  const own: { signalbox?: JWT } = Object.create(null)
  await app.register(async (scope) => {
    scope.decorate('jwt', own as JWT)
    await scope.register(jwt, {
      namespace: 'signalbox',
      secret: { public: typeof key === 'string' ? key : async ({ header }: { header: TokenHeader }) => await key(header) },
      verify: {
        algorithms: [...algorithms],
        // `readPermit` checks it: the tolerance must not apply to `exp`.
        ignoreExpiration: true,
        clockTolerance: clockToleranceMs,
        requiredClaims: [...(issuer === undefined ? [] : ['iss']), ...(audience === undefined ? [] : ['aud'])],
        ...(issuer !== undefined && { allowedIss: issuer }),
        ...(audience !== undefined && { allowedAud: audience })
      }
    })
  })
  return (token) => own.signalbox?.verify(token)
}
