import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { retryAfter } from '../src/limits/retry-after.js'
import { networkOf } from '../src/net/address.js'

/** A hook that answers 429 above `CONNECT_RATE`, counted over all nodes. While Redis cannot be reached, each node counts for itself. */
export async function rateCheck (app: FastifyInstance): Promise<onRequestAsyncHookHandler> {
  const { config, connections, gate, redis } = app.signalbox
  const limit = {
    max: config.CONNECT_RATE,
    timeWindow: 60_000,
    keyGenerator: ({ ip, ws }: FastifyRequest) => `${ws ? 'handshake' : 'rest'} ${networkOf(ip)}`,
    onExceeded ({ ip, ws, raw }: FastifyRequest) {
      connections.refused('connect_rate', { address: ip })
      gate.noteRateRefusal(raw, ws ? 'handshake' : 'rest')
    }
  }
  // @fastify/rate-limit types its hook as a callback or an async function. It is always async.
  const hook = (check: unknown): onRequestAsyncHookHandler => async function checkRate (request, reply) {
    try {
      return await (check as onRequestAsyncHookHandler).call(this, request, reply)
    } catch (error) {
      const waitS = Number(reply.getHeader('retry-after'))
      if (waitS > 0) reply.header('retry-after', retryAfter(waitS))
      // A refused client has to connect again for its next answer.
      if (!request.ws && gate.mayClose(request.raw)) reply.header('connection', 'close')
      throw error
    }
  }

  // The rate limit of an app around us counts for us, too.
  if (app.hasDecorator('rateLimit')) return hook(app.rateLimit(limit))
  if (redis === undefined) {
    await app.register(rateLimit, { global: false, ...limit })
    return hook(app.rateLimit())
  }
  let checkLocal: onRequestAsyncHookHandler | undefined
  await app.register(async (scope) => {
    await scope.register(rateLimit, { global: false, ...limit })
    checkLocal = hook(scope.rateLimit())
  })
  await app.register(rateLimit, { global: false, ...limit, redis, nameSpace: 'sb:rate:', skipOnError: true })
  const checkShared = hook(app.rateLimit())
  return async function checkRate (request, reply) {
    const check = app.state.isReady ? checkShared : checkLocal
    return await check?.call(this, request, reply)
  }
}
