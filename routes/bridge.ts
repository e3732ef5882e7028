import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { isGranted } from '../src/auth/permit.js'
import { mountRoute } from './dialect.js'
import { ErrorBody } from './discovery.js'

const QuerySchema = Type.Object({ dialect: Type.Optional(Type.String({ description: 'Of the peers' })) })
const PeersBody = Type.Array(Type.String(), { description: 'Ids by which peers of other dialects call them' })

/** `GET /bridge/peers`: whom peers of other dialects can call, for those who may list peers. */
export const bridgePeers: FastifyPluginAsyncTypebox = async (app) => {
  const { auth, bridge, config: { ALLOW_DISCOVERY } } = app.signalbox
  const { peers } = app.state
  await mountRoute(app, '/bridge/peers', {
    method: 'GET',
    onRequest: app.admission,
    schema: {
      tags: ['server'],
      summary: 'Whom peers of other dialects can call',
      querystring: QuerySchema,
      response: { 200: PeersBody, 400: ErrorBody, 401: ErrorBody, 404: ErrorBody }
    },
    async handler (request, reply) {
      if (bridge === undefined) return await reply.code(404).send({ error: 'not found' })
      const { dialect: name = '' } = request.query as { dialect?: string }
      const dialect = bridge.dialects.get(name)
      if (dialect === undefined) {
        return await reply.code(400).send({ error: `querystring/dialect must be one of ${[...bridge.dialects.keys()].join(', ')}` })
      }
      const permit = await auth.authenticate(request)
      const mayList = ALLOW_DISCOVERY || isGranted(permit, 'discover')
      if (permit === undefined || !mayList || !(permit.useDialect(name) || permit.call(name))) return await app.refuseCaller(request, reply)
      const addresses: string[] = []
      for (const room of await peers.roomNames(name)) {
        if (dialect.mayReach?.(permit, room) === false) continue
        for (const { id } of await peers.list(room)) {
          const address = dialect.addressOf(room, id)
          if (address !== undefined) addresses.push(`${name}:${address}`)
        }
      }
      return addresses
    }
  })
}
