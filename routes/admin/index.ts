import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { isGranted } from '../../src/auth/permit.js'
import { bearerOf } from '../../src/auth/tokens.js'
import { connections } from './connections.js'
import { consoleApi } from './console.js'
import { node } from './node.js'
import type { CallerOf } from './schema.js'

/**
 * `/admin`: for tokens with the role `admin`, and in the `Authorization` header only, which no link and no other site can make
 * a browser send. Without auth nobody is an administrator, but for what the console uses: see `consoleAccess`.
 */
export const admin: FastifyPluginAsyncTypebox = async (app) => {
  const { auth } = app.signalbox
  const callers = new WeakMap<FastifyRequest, string>()
  const callerOf: CallerOf = (request) => callers.get(request)

  async function checkAdmin (request: FastifyRequest, reply: FastifyReply) {
    const permit = bearerOf(request.headers) === undefined ? undefined : await auth.authenticate(request)
    if (!isGranted(permit, 'admin')) return await app.refuseCaller(request, reply)
    callers.set(request, permit.subject)
  }

  app.setErrorHandler(async (error: FastifyError, _request, reply) => {
    if (error.validation === undefined) throw error
    return await reply.code(400).send({ error: error.message })
  })
  await app.register(async (app) => {
    for (const hook of [...app.operatorAdmission, checkAdmin]) app.addHook('onRequest', hook)
    await app.register(connections, { callerOf })
    await app.register(node, { callerOf })
  })
  await app.register(consoleApi)
}
