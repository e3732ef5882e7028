import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler, onRequestHookHandler } from 'fastify'
import { isGranted } from '../../src/auth/permit.js'
import { bearerOf } from '../../src/auth/tokens.js'
import { forwardedAddresses } from '../../src/net/forwarded.js'
import { trustedProxies } from '../../src/net/trusted-proxies.js'

/** Who administers. */
export interface Operator {
  /** The subject of the token; without auth the address. */
  readonly by: string
  /** When the token expires, in ms since the epoch. */
  readonly expiresAt: number
}

export interface Access {
  /** The hooks of a route that the console uses. */
  readonly onRequest: Array<onRequestAsyncHookHandler | onRequestHookHandler>
  /** Who called, once the hooks have let the request pass. */
  readonly operatorOf: (request: FastifyRequest) => Operator
}

const notHere = 'only from this machine: set CONSOLE_PUBLIC=true to let everybody in, or a JWT key and use a token with the role admin'

const isLoopback = trustedProxies('loopback')

/**
 * Who may use what the console uses. With auth that takes a token with the role `admin`, in the `Authorization` header. Without auth it
 * takes a client on this machine, unless `CONSOLE_PUBLIC` is set. Pages of other origins never get anything.
 */
export function consoleAccess (app: FastifyInstance): Access {
  const { auth, config } = app.signalbox
  const operators = new WeakMap<FastifyRequest, Operator>()

  async function checkPage (request: FastifyRequest, reply: FastifyReply) {
    reply.header('cross-origin-resource-policy', 'same-origin')
    if (isOwnPage(request)) return
    app.signalbox.connections.refused('origin', { address: request.ip })
    // Allowed origins are those of clients, which administer nothing.
    reply.removeHeader('access-control-allow-origin')
    return await reply.code(403).send({ error: 'origin not allowed' })
  }

  async function checkOperator (request: FastifyRequest, reply: FastifyReply) {
    if (auth.isOpen) {
      if (!config.CONSOLE_PUBLIC && !isFromHere(request)) {
        app.signalbox.connections.refused('not_allowed', { address: request.ip })
        return await reply.code(403).send({ error: notHere })
      }
      operators.set(request, { by: request.ip, expiresAt: Infinity })
      return
    }
    const permit = bearerOf(request.headers) === undefined ? undefined : await auth.authenticate(request)
    if (!isGranted(permit, 'admin')) return await app.refuseCaller(request, reply)
    operators.set(request, { by: permit.subject, expiresAt: permit.expiresAt })
  }

  return {
    onRequest: [checkPage, ...app.operatorAdmission, checkOperator],
    operatorOf: (request) => operators.get(request) as Operator
  }
}

/** Whether no page asks, or one of ours. Pages can neither forge nor leave out these headers. */
function isOwnPage ({ headers, host }: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && origin === undefined)
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}

/**
 * Whether a request comes from this machine: its socket does, every address that proxies report does, and it asks for a name of this
 * machine, so that no page of a name that was made to point here passes for one of ours.
 */
function isFromHere ({ ip, raw: { headers, socket } }: FastifyRequest): boolean {
  const claimed = forwardedAddresses(headers)
  const isProxied = headers.via !== undefined || headers['x-real-ip'] !== undefined || headers['x-forwarded-host'] !== undefined
  if (isProxied && claimed === undefined) return false
  return [socket.remoteAddress ?? '', ip, ...claimed ?? []].every((address) => isLoopback(address)) && isNameOfHere(headers.host)
}

function isNameOfHere (host = ''): boolean {
  if (!URL.canParse(`http://${host}`)) return false
  const name = new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '')
  return name === 'localhost' || name.endsWith('.localhost') || isLoopback(name)
}
