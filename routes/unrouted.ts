import { validateHeaderValue } from 'node:http'
import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { RefusalReason } from '../src/telemetry/audit.js'
import { unrouted } from '../src/listener/unrouted.js'
import { quote } from '../src/frame/close-codes.js'

/** How an upgrade is refused on a route without a dialect. */
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
    const onRequest = [...app.admission, async ({ ws, method }: FastifyRequest, reply: FastifyReply) => {
      if (method === 'OPTIONS') return await reply.code(204).send()
      if (!ws) return await reply.code(status).send({ error })
    }]
    // The handler never runs: the hooks answer, before a body is read.
    app.all(unrouted[name], { onRequest, config: { upgradeRefusal: answers[name] }, schema: { hide: true } }, () => {})
  }
}

/** Answers a request for an unknown path of the stock server. */
export async function answerNotFound (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (request.ws) request.server.signalbox.connections.refused('not_found', { address: request.ip })
  return await reply.code(404).send({ error: 'not found' })
}

/** Answers a client's mistake with its message. Any other error is logged, and the answer says nothing about the server. */
export async function answerError (
  error: FastifyError | null | undefined,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply> {
  const { ws, ip, log, server } = request
  const status = statusOf(error)
  if (error != null && status < 500) {
    // The rate limiter has counted a 429 already.
    if (ws && status !== 429) server.signalbox.connections.refused('bad_request', { address: ip })
    return await reply.code(status).send({ error: quote(error.message) })
  }
  log.error({ err: error }, 'request failed')
  // A header that the handler set may be the cause, and would break this answer too.
  for (const [name, value] of Object.entries(reply.getHeaders())) if (!isHeader(name, value)) reply.removeHeader(name)
  return await reply.code(status).send({ error: 'internal error' })
}

/** A handler may throw any value, with any `statusCode`, or nothing at all. */
function statusOf (error: FastifyError | null | undefined): number {
  const status = error?.statusCode ?? 500
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : 500
}

function isHeader (name: string, value: unknown): boolean {
  try {
    validateHeaderValue(name, String(value))
    return true
  } catch {
    return false
  }
}
