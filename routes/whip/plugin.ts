import { isUtf8 } from 'node:buffer'
import type { FastifyCorsOptions } from '@fastify/cors'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { answerOk, discovery, mountRoute, notAllowed, type Permit, retryAfter } from '../../src/kit.js'
import { httpBridging, news, type News } from './bridge.js'
import { callRoute, endRoute, errorMessages, trickleRoute } from './schema.js'
import { hasDirection, isDescription, readFragment, ufragOf } from './sdp.js'
import { type CallFailure, entityTagOf, idOf, isOfSession, Session, sessionName } from './session.js'
import { Sessions } from './sessions.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Options of @fastify/cors for one route. */
    cors?: Pick<FastifyCorsOptions, 'methods' | 'exposedHeaders' | 'preflightContinue'>
  }
}

/** A protocol over HTTP, and the direction of the media that its clients cannot offer. */
export interface HttpProtocol {
  readonly name: 'whip' | 'whep'
  readonly wrongDirection: 'recvonly' | 'sendonly'
}

/** Bytes of a description, or of a fragment: ten times what a browser writes. */
const maxBodyBytes = 65_536

const [sdpType, fragmentType] = ['application/sdp', 'application/trickle-ice-sdpfrag']

/** What a page of another origin may read: with the methods, some clients find out whether they can trickle. */
const exposedHeaders = [
  'Location', 'Link', 'ETag', 'Accept-Post', 'Accept-Patch', 'Retry-After', 'WWW-Authenticate', 'Access-Control-Allow-Methods'
]
const methods = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PATCH', 'DELETE']
/** Preflights of all methods are answered by routes of ours, which say more. */
const config = { cors: { methods, exposedHeaders, preflightContinue: true } }

/** How a failed call is answered. */
const failures: Readonly<Record<CallFailure, readonly [status: number, error: string]>> = {
  absent: [404, errorMessages.absent],
  not_allowed: [403, notAllowed],
  impossible: [422, errorMessages.impossible],
  unanswered: [504, errorMessages.unanswered],
  draining: [503, errorMessages.draining]
}

interface Params {
  readonly target: string
  readonly session: string
}

export function pluginOf ({ name, wrongDirection }: HttpProtocol): FastifyPluginAsync {
  return async (app) => {
    const { state, signalbox } = app
    const { auth, bridge, connections, config: settings } = signalbox
    const dialect = app.addSocketless({ name, bridging: httpBridging(name), counters: ['late_candidates'] })
    dialect.paths.add(app.prefix)
    const sessions = new Sessions(settings.MAX_CLIENTS, settings.MAX_CLIENTS_PER_ADDRESS ?? Infinity)
    const host = {
      connections,
      peers: state.peers,
      dialect,
      entrance: bridge?.of(name),
      began: (session: Session) => sessions.began(session),
      ended: (session: Session) => sessions.ended(session)
    }
    app.addHook('preClose', async () => sessions.forgetAll())

    /** The permit of who asks. Undefined where the request has been refused. */
    async function admit (request: FastifyRequest, reply: FastifyReply): Promise<Permit | undefined> {
      const permit = await auth.authenticate(request)
      if (permit === undefined) {
        await app.refuseCaller(request, reply)
      } else if (!permit.useDialect(name)) {
        connections.refused('not_allowed', { dialect: name, subject: permit.subject, address: request.ip })
        await refuse(reply, 403, notAllowed)
      } else {
        return permit
      }
    }

    /** Nobody is there: or nobody can know, while other nodes cannot be reached. */
    async function refuseAbsent (reply: FastifyReply, error: string): Promise<FastifyReply> {
      return state.isReady ? await refuse(reply, 404, error) : await refuse(reply, 503, errorMessages.unavailable)
    }

    async function call (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      const permit = await admit(request, reply)
      if (permit === undefined) return reply
      const { params, body: offer, ip: address, raw: { socket } } = request
      const { target } = params as Params
      if (typeof offer !== 'string' || !isDescription(offer)) return await refuse(reply, 400, errorMessages.malformed)
      if (hasDirection(offer, wrongDirection)) return await refuse(reply, 422, errorMessages.wrongDirection)
      if (connections.isDraining) return await refuse(reply, 503, errorMessages.draining)
      const url = sessionName(offer)
      const session = new Session(host, target, { permit, address })
      sessions.calls(session)
      // Whoever does not read the answer knows no URL with which to end the session.
      reply.raw.once('close', () => { if (!reply.raw.writableFinished) session.end() })
      if (socket.destroyed) session.end()
      const result = await session.call(idOf(target, url, permit), offer)
      if ('failure' in result) {
        const [status, error] = failures[result.failure]
        return status === 404 ? await refuseAbsent(reply, error) : await refuse(reply, status, error)
      }
      addIceServers(reply, permit)
      const location = `${app.prefix}/${encodeURIComponent(target).replaceAll('%3A', ':')}/${url}`
      return await reply.code(201).headers({ location, etag: entityTagOf(url) }).type(sdpType).send(result.answer)
    }

    /** Each ICE server in a header of its own. */
    function addIceServers (reply: FastifyReply, permit: Permit): void {
      const { iceServers } = signalbox.iceServers(permit)
      const links = iceServers.flatMap(({ urls, username, credential }) => urls.map((url) => {
        const login = username === undefined ? '' : `; username="${username}"; credential="${credential}"; credential-type="password"`
        return `<${url}>; rel="ice-server"${login}`
      }))
      if (links.length > 0) reply.header('link', links)
    }

    /** Passes a request on to its session, on whichever node that is. False where it has ended. */
    async function tell ({ target, session }: Params, permit: Permit, type: News, text = ''): Promise<boolean> {
      return await state.relay.send(name, idOf(target, session, permit), news(type, text)) === 'sent'
    }

    async function trickle (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      const permit = await admit(request, reply)
      if (permit === undefined) return reply
      const { body: fragment, headers: { 'if-match': match } } = request
      const params = request.params as Params
      const signals = typeof fragment === 'string' ? readFragment(fragment) : undefined
      if (signals === undefined) return await refuse(reply, 400, errorMessages.malformedFragment)
      const ufrag = ufragOf(fragment as string)
      if (match === undefined && ufrag === undefined) return await refuse(reply, 428, errorMessages.unnamed)
      if (match !== undefined && !fits(match, entityTagOf(params.session))) return await refuse(reply, 412, errorMessages.mismatch)
      if (ufrag !== undefined && !isOfSession(params.session, ufrag)) return await refuse(reply, 422, errorMessages.restart)
      if (!await tell(params, permit, 'trickle', JSON.stringify(signals))) return await refuseAbsent(reply, errorMessages.gone)
      return await reply.code(204).send()
    }

    async function end (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      const permit = await admit(request, reply)
      if (permit === undefined) return reply
      if (!await tell(request.params as Params, permit, 'delete')) return await refuseAbsent(reply, errorMessages.gone)
      return await reply.code(200).send()
    }

    /** For whoever asks before it calls. A preflight has no token. */
    async function describe (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      if (request.headers['access-control-request-method'] === undefined) {
        const permit = await auth.authenticate(request)
        if (permit?.useDialect(name) === true) addIceServers(reply, permit)
      }
      return await reply.code(200).send()
    }

    /** The routes at a path: one takes bodies of one type, and `accept` is the header that says so. */
    async function serve (path: string, type: string, accept: string, routes: ReadonlyArray<Omit<RouteOptions, 'url'>>): Promise<void> {
      await app.register(async (app) => {
        app.removeAllContentTypeParsers()
        app.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: maxBodyBytes }, async (_request: FastifyRequest, body: Buffer) =>
          isUtf8(body) ? body.toString() : undefined)
        app.addHook('onRequest', async (_request, reply) => { reply.header(accept, type) })
        const taken = routes.flatMap(({ method }) => method)
        const others = methods.filter((method) => !taken.includes(method))
        const refused: Omit<RouteOptions, 'url'> = {
          method: [...others, 'PUT'],
          schema: { hide: true },
          onRequest: [...app.admission, async (_request, reply) => {
            return await refuse(reply.header('allow', taken.join(', ')), 405, errorMessages.method)
          }],
          handler: () => {}
        }
        for (const route of [...routes, refused]) {
          // Those of OPTIONS are admitted like all preflights.
          const onRequest = route.method === 'OPTIONS' ? {} : { onRequest: app.admission }
          await mountRoute(app, path, { ...onRequest, config, ...route })
        }
      })
    }

    await answerOk(app, '/health')
    await app.register(discovery, { dialect: name, isOpen: settings.ALLOW_DISCOVERY, rooms: () => [name] })
    const look: Omit<RouteOptions, 'url'> = { method: ['GET', 'HEAD'], schema: { hide: true }, handler: answerNothing }
    await serve('/:target', sdpType, 'accept-post', [
      { method: 'POST', schema: callRoute, handler: call }, { method: 'OPTIONS', schema: { hide: true }, handler: describe }, look
    ])
    await serve('/:target/:session', fragmentType, 'accept-patch', [
      { method: 'PATCH', schema: trickleRoute, handler: trickle },
      { method: 'DELETE', schema: endRoute, handler: end },
      { method: 'OPTIONS', schema: { hide: true }, handler: async (_request, reply) => await reply.code(200).send() },
      look
    ])
  }
}

/** There is nothing to read, and whoever looks sees what can be sent here. */
async function answerNothing ({ method }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return method === 'HEAD' ? await reply.code(200).type(sdpType).send() : await reply.code(204).send()
}

async function refuse (reply: FastifyReply, status: number, error: string): Promise<FastifyReply> {
  if (status === 403) reply.header('www-authenticate', 'Bearer error="insufficient_scope"')
  if (status === 503) reply.header('retry-after', retryAfter(1))
  return await reply.code(status).send({ error })
}

/** Whether `If-Match` has the entity tag. */
function fits (match: string, entityTag: string): boolean {
  return match.trim() === '*' || match.split(',').some((tag) => tag.trim() === entityTag)
}
