import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { retryAfter } from '../src/limits/retry-after.js'
import { networkOf } from '../src/net/address.js'

/** A hook that answers 429 above `CONNECT_RATE`, counted over all nodes. While Redis cannot be reached, each node counts for itself. */
export async function rateCheck (app: FastifyInstance): Promise<onRequestHookHandler> {
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
  const hook = (check: unknown): onRequestHookHandler => function checkRate (request, reply, done) {
    (check as onRequestAsyncHookHandler).call(this, request, reply).then(() => done(), (error: Error) => {
      noteRefusal(request, reply)
      done(error)
    })
  }

  function noteRefusal ({ ws, raw }: FastifyRequest, reply: FastifyReply): void {
    const waitS = Number(reply.getHeader('retry-after'))
    if (waitS > 0) reply.header('retry-after', retryAfter(waitS))
    // A refused client has to connect again for its next answer.
    if (!ws && gate.mayClose(raw)) reply.header('connection', 'close')
  }

  // The rate limit of an app around us counts for us, too.
  if (app.hasDecorator('rateLimit')) return hook(app.rateLimit(limit))
  if (redis === undefined) {
    await app.register(rateLimit, { global: false, ...limit })
    return hook(app.rateLimit())
  }
  let checkLocal: onRequestHookHandler | undefined
  await app.register(async (scope) => {
    await scope.register(rateLimit, { global: false, ...limit })
    checkLocal = hook(scope.rateLimit())
  })
  await app.register(rateLimit, { global: false, ...limit, redis, nameSpace: 'sb:rate:', skipOnError: true })
  const checkShared = hook(app.rateLimit())
  return function checkRate (request, reply, done) {
    const check = app.state.isReady ? checkShared : checkLocal
    check?.call(this, request, reply, done)
  }
}
