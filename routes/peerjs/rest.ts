import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import { discovery } from '../discovery.js'
import { dialect, roomOf } from './room.js'

const BannerBody = Type.Object({ name: Type.String(), description: Type.String(), website: Type.String() })
const HealthBody = Type.Object({ status: Type.Literal('ok') })
const ParamsSchema = Type.Object({ key: Type.String({ description: 'An API key' }) })

/** What the original answers to `GET /`: clients and monitors know a PeerJS server by it. */
export const banner: Static<typeof BannerBody> = {
  name: 'PeerJS Server',
  description: 'A server side element to broker connections between PeerJS clients.',
  website: 'https://peerjs.com/'
}

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  const { config } = app.signalbox
  const keyOf = (params: unknown) => (params as Static<typeof ParamsSchema>).key

  // At the bare root that route is there already: it is where the first frame chooses, too.
  const root = app.prefix === '' ? '/' : app.prefix
  if (!app.hasRoute({ method: 'GET', url: root })) app.get('/', { onRequest: app.admission, schema: { response: { 200: BannerBody } } }, () => banner)
  app.get('/peerjs/health', { onRequest: app.healthAdmission, schema: { response: { 200: HealthBody } } }, () => ({ status: 'ok' as const }))
  await app.register(discovery, {
    prefix: '/:key',
    dialect,
    isOpen: config.PEERJS_ALLOW_DISCOVERY ?? config.ALLOW_DISCOVERY,
    params: ParamsSchema,
    rooms: ({ params }) => [roomOf(keyOf(params))],
    async refuse ({ params }, reply) {
      if (!config.PEERJS_KEY.includes(keyOf(params))) return await reply.code(401).send({ error: 'Unauthorized' })
    }
  })
}
