import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { RefusalReason } from '../src/telemetry/audit.js'
import { unrouted } from '../src/listener/unrouted.js'
import { quote } from '../src/frame/close-codes.js'

/** Why an upgrade is refused on a route where no dialect is spoken. */
export interface UpgradeRefusal {
  readonly reason: RefusalReason
  readonly status: number
  readonly error: string
}

export const notFoundRefusal: UpgradeRefusal = { reason: 'not_found', status: 404, error: 'not found' }

declare module 'fastify' {
  interface FastifyContextConfig { upgradeRefusal?: UpgradeRefusal }
}

const answers: Record<keyof typeof unrouted, UpgradeRefusal> = {
  notFound: notFoundRefusal,
  badUrl: { reason: 'bad_request', status: 400, error: 'bad request' },
  tooLong: { reason: 'bad_request', status: 414, error: 'uri too long' }
}

export const unroutedRequests: FastifyPluginAsync = async (app) => {
  for (const name of Object.keys(unrouted) as Array<keyof typeof unrouted>) {
    const { status, error } = answers[name]
    const onRequest = [...app.admission, async ({ ws }: FastifyRequest, reply: FastifyReply) => {
      if (!ws) return await reply.code(status).send({ error })
    }]
    // Never handled: a body is not waited for.
    app.all(unrouted[name], { onRequest, config: { upgradeRefusal: answers[name] }, schema: { hide: true } }, () => {})
  }
}

/** What is not found in the stock server. */
export async function answerNotFound (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (request.ws) request.server.signalbox.connections.refused('not_found', { address: request.ip })
  return await reply.code(404).send({ error: 'not found' })
}

/** An error tells a client what is wrong with the request, in short, and nothing of the server. */
export async function answerError (error: FastifyError, { ws, ip, log, server }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { statusCode = 500 } = error
  if (statusCode < 400 || statusCode >= 500) {
    log.error({ err: error }, 'request failed')
    return await reply.code(statusCode < 400 ? 500 : statusCode).send({ error: 'internal error' })
  }
  // Over its rate it is counted already.
  if (ws && statusCode !== 429) server.signalbox.connections.refused('bad_request', { address: ip })
  return await reply.code(statusCode).send({ error: quote(error.message) })
}
