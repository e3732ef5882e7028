import fp from 'fastify-plugin'
import type { State } from '../src/state/contract.js'
import { memoryState } from '../src/state/memory/state.js'
import { auditRelays } from '../src/state/relay-audit.js'

declare module 'fastify' {
  interface FastifyInstance { state: State }
}

/** `app.state`: who is connected, and the way to them. In memory, or over Redis, which is loaded only then. */
export default fp(async (app) => {
  const { audit, config, timers } = app.signalbox
  const mailboxes = {
    maxMessages: config.MAILBOX_MAX_MESSAGES,
    maxBytes: config.MAILBOX_MAX_BYTES,
    totalBytes: config.MAILBOX_TOTAL_BYTES
  }
  if (config.REDIS_URL === undefined) {
    app.decorate('state', memoryState(timers, mailboxes, config.MAX_ROOMS_PER_CLIENT))
  } else {
    const { redisState } = await import('../src/state/redis/state.js')
    const state = await redisState({ urls: config.REDIS_URL, leaseMs: config.NODE_LEASE_MS, mailboxes, maxRoomsPerClient: config.MAX_ROOMS_PER_CLIENT, timers, log: app.log })
    app.signalbox.redis = state.link.client
    app.decorate('state', state)
  }
  if (audit.isLevelEnabled('debug')) auditRelays(app.state, audit)
  app.addHook('onClose', async () => { await app.state.close() })
}, { name: 'state', fastify: '5.x', dependencies: ['signalbox'] })
