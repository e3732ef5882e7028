import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ClientConnection } from '../../src/connection/connection.js'
import { closeCodes } from '../../src/frame/close-codes.js'
import { nameOf as nameIn } from './report.js'
import { type CallerOf, routes } from './schema.js'

/** The reason that a closed client gets, with 1008. */
export const disconnectReason = 'Disconnected by an administrator'

/** Lists connections and closes them. */
export const connections: FastifyPluginAsyncTypebox<{ callerOf: CallerOf }> = async (app, { callerOf }) => {
  const { connections, dialects, timers } = app.signalbox

  const nameOf = (connection: ClientConnection) => nameIn(connection, connections.node)

  /** The number of a connection by its name, or undefined if it belongs to another node. */
  function numberOf (name: string): number | undefined {
    const [node, number] = name.split('-')
    return node === connections.node ? Number(number) : undefined
  }

  function summaryOf (connection: ClientConnection, now: number) {
    const { dialect, members, may: { subject }, address, openedAt, seenAt, received, sent, bufferedBytes } = connection
    return {
      connection: nameOf(connection),
      ...(dialect !== undefined && { dialect }),
      peers: members.map(({ room, id }) => ({ room, id })),
      ...(subject !== undefined && { subject }),
      address,
      openedAt: new Date(openedAt).toISOString(),
      ageMs: Math.max(0, now - openedAt),
      idleMs: Math.max(0, now - seenAt),
      received,
      sent,
      bufferedBytes
    }
  }

  app.get('/connections', { schema: routes.list }, async ({ query: { dialect, limit, after } }, reply) => {
    if (dialect !== undefined && !dialects.has(dialect)) {
      return await reply.code(400).send({ error: `querystring/dialect must be one of ${[...dialects.keys()].join(', ')}` })
    }
    const from = after === undefined ? 0 : numberOf(after)
    if (from === undefined) return await reply.code(400).send({ error: 'querystring/after must be a connection of this node' })

    const page: ClientConnection[] = []
    for (const connection of connections) {
      if (connection.number <= from || (dialect !== undefined && connection.dialect !== dialect)) continue
      page.push(connection)
      if (page.length > limit) break
    }
    const hasMore = page.length > limit
    if (hasMore) page.pop()
    const now = timers.timeOfDay()
    return {
      connections: page.map((connection) => summaryOf(connection, now)),
      ...(hasMore && { next: nameOf(page.at(-1) as ClientConnection) })
    }
  })

  app.delete('/connections/:connection', { schema: routes.closeConnection }, async (request, reply) => {
    const number = numberOf(request.params.connection)
    const found = [...connections].find((connection) => connection.number === number)
    if (found === undefined) return await reply.code(404).send({ error: 'no such connection on this node' })
    found.close(closeCodes.policy, disconnectReason, callerOf(request))
    return await reply.code(204).send(null)
  })

  app.delete('/peers', { schema: routes.disconnect }, async (request, reply) => {
    const { room, id } = request.query
    const outcome = await app.state.peers.disconnect(room, id, { code: closeCodes.policy, reason: disconnectReason, by: callerOf(request) })
    if (outcome === 'absent') return await reply.code(404).send({ error: 'no such peer' })
    if (outcome === 'unreachable') return await reply.code(503).send({ error: 'cluster unavailable' })
    return await reply.code(204).send(null)
  })
}
