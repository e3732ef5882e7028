import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { ErrorBody } from './discovery.js'

const IceServersBody = Type.Object({
  iceServers: Type.Array(Type.Object({
    urls: Type.Array(Type.String()),
    username: Type.Optional(Type.String()),
    credential: Type.Optional(Type.String())
  }), { description: 'As RTCPeerConnection takes them' }),
  ttl: Type.Integer({ description: 'Seconds for which they are good' })
})

/**
 * `GET /ice-servers`: the configured STUN and TURN servers, with a credential that expires no later than the caller's token or
 * certificate.
 */
export const iceServers: FastifyPluginAsyncTypebox = async (app) => {
  const { auth, iceServers } = app.signalbox
  const schema = {
    tags: ['server'],
    summary: 'STUN and TURN servers, with credentials that expire',
    response: { 200: IceServersBody, 401: ErrorBody }
  }
  app.get('/ice-servers', { onRequest: app.admission, schema }, async (request, reply) => {
    const permit = await auth.authenticate(request)
    if (permit === undefined) return await app.refuseCaller(request, reply)
    return iceServers(permit)
  })
}
