import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type TObject, Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isGranted, type Permit } from '../src/auth/permit.js'
import type { State } from '../src/state/contract.js'
import type { MaybePromise } from '../src/timing/maybe-promise.js'
import { mountRoute } from './dialect.js'

/** How a dialect's ids and peers are found. */
export interface DiscoveryOptions {
  readonly dialect: string
  /** Whether everybody may list the peers. */
  readonly isOpen: boolean
  /** The query, or the parameters in the path, that narrow the list. */
  readonly querystring?: TObject
  readonly params?: TObject
  /** The rooms whose peers are listed: only those that the caller's permit lets it enter. */
  readonly rooms: (request: FastifyRequest, permit: Permit) => MaybePromise<readonly string[]>
  /** A hook of both routes, which may answer the request itself. */
  readonly refuse?: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
}

const IdBody = Type.String({ description: 'A fresh id, as text/plain' })
const PeersBody = Type.Array(Type.String(), { description: 'Ids of the peers' })
export const ErrorBody = Type.Object({ error: Type.String() })

/** The rooms with a prefix, or only the named one, as far as the caller may enter them. */
export async function roomsBelow ({ peers }: State, prefix: string, name: string | undefined, mayEnter: (name: string) => boolean) {
  const rooms = name === undefined ? await peers.roomNames(prefix) : [prefix + name]
  return rooms.filter((room) => mayEnter(room.slice(prefix.length)))
}

/** The REST endpoints of every dialect: `GET /id` and `GET /peers`, with and without a trailing slash. */
export const discovery: FastifyPluginAsyncTypebox<DiscoveryOptions> = async (app, options) => {
  const { dialect, isOpen, querystring, params, rooms, refuse } = options
  const { auth, generateId } = app.signalbox
  const onRequest = refuse === undefined ? app.admission : [...app.admission, refuse]
  const shared = params === undefined ? {} : { params }

  await mountRoute(app, '/id', {
    method: 'GET',
    onRequest,
    schema: { ...shared, summary: 'A fresh id', response: { 200: IdBody } },
    handler: async (_request, reply) => await reply.type('text/plain; charset=utf-8').send(generateId())
  })

  const narrowed = querystring === undefined ? shared : { ...shared, querystring }
  const schema = { ...narrowed, summary: 'The ids of the peers', response: { 200: PeersBody, 401: ErrorBody } }
  await mountRoute(app, '/peers', {
    method: 'GET',
    onRequest,
    schema,
    async handler (request, reply) {
      const permit = await auth.authenticate(request)
      const mayList = isOpen || isGranted(permit, 'discover')
      if (permit === undefined || !permit.useDialect(dialect) || !mayList) return await app.refuseCaller(request, reply)
      const ids = new Set<string>()
      for (const room of await rooms(request, permit)) {
        for (const { id } of await app.state.peers.list(room)) ids.add(id)
      }
      return [...ids]
    }
  })
}
