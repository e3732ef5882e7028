import { hostname } from 'node:os'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { manifest } from '../../src/config/manifest.js'
import { readinessOf } from '../health.js'
import { type CallerOf, routes } from './schema.js'

/** A node's status, and its drain. */
export const node: FastifyPluginAsyncTypebox<{ callerOf: CallerOf }> = async (app, { callerOf }) => {
  const { config, connections, dialects, eventLoop, redis } = app.signalbox

  function byDialect () {
    const counts = new Map([...dialects.keys()].map((name) => [name, 0]))
    for (const { dialect } of connections) if (dialect !== undefined) counts.set(dialect, (counts.get(dialect) ?? 0) + 1)
    return [...dialects.values()].map(({ name, traffic: { registrations } }) => {
      return { dialect: name, connections: counts.get(name) ?? 0, registrations }
    })
  }

  app.get('/node', { schema: routes.node }, async () => {
    const { utilization, delayMs } = eventLoop.report
    const { counters } = app.state
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
    return {
      node: connections.node,
      host: hostname(),
      version: manifest.version,
      status: readinessOf(app),
      state: redis === undefined ? 'memory' as const : 'redis' as const,
      uptime: process.uptime(),
      connections: connections.size,
      maxClients: config.MAX_CLIENTS,
      dialects: byDialect(),
      size: app.state.size(),
      ...(counters !== undefined && { counters }),
      memory: { rss, heapTotal, heapUsed, external },
      eventLoop: { utilization, delayMs: Math.max(0, delayMs) }
    }
  })

  app.post('/drain', { schema: routes.drain }, async (request, reply) => {
    const drainMs = config.DRAIN_MS
    if (!connections.isDraining) {
      app.log.info({ by: callerOf(request) }, `admin: draining ${connections.size} sockets over ${drainMs} ms`)
      connections.drain(drainMs, callerOf(request)).catch((error: unknown) => app.log.error({ err: error }, 'drain'))
    }
    return await reply.code(202).send({ status: 'draining', connections: connections.size, drainMs })
  })
}
