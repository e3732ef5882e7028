import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import { answerOk, discovery } from '../../src/kit.js'
import { dialect, roomOf } from './room.js'

const BannerBody = Type.Object({ name: Type.String(), description: Type.String(), website: Type.String() })
const ParamsSchema = Type.Object({ key: Type.String({ description: 'An API key' }) })

/** The original's answer to `GET /`, by which clients and monitors recognise a PeerJS server. */
export const banner: Static<typeof BannerBody> = {
  name: 'PeerJS Server',
  description: 'A server side element to broker connections between PeerJS clients.',
  website: 'https://peerjs.com/'
}

export const rest: FastifyPluginAsyncTypebox = async (app) => {
  const { config } = app.signalbox
  const keyOf = (params: unknown) => (params as Static<typeof ParamsSchema>).key

  // The bare root has the route already, with this answer.
  const root = app.prefix === '' ? '/' : app.prefix
  if (!app.hasRoute({ method: 'GET', url: root })) {
    const schema = { summary: 'The banner of a PeerJS server', response: { 200: BannerBody } }
    app.get('/', { onRequest: app.admission, schema }, () => banner)
  }
  await answerOk(app, '/peerjs/health')
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
