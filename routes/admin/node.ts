import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { drainNode, nodeStatus } from './report.js'
import { type CallerOf, routes } from './schema.js'

/** A node's status, and its drain. */
export const node: FastifyPluginAsyncTypebox<{ callerOf: CallerOf }> = async (app, { callerOf }) => {
  app.get('/node', { schema: routes.node }, async () => nodeStatus(app))
  app.post('/drain', { schema: routes.drain }, async (request, reply) => await reply.code(202).send(drainNode(app, callerOf(request))))
}
