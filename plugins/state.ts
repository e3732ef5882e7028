import fp from 'fastify-plugin'
import type { State } from '../src/state/contract.js'
import { memoryState } from '../src/state/memory.js'

declare module 'fastify' {
  interface FastifyInstance { state: State }
}

/** `app.state`: who is connected, and the way to them. */
export default fp(async (app) => {
  const { config, timers } = app.signalbox
  app.decorate('state', memoryState(timers, {
    maxMessages: config.MAILBOX_MAX_MESSAGES,
    maxBytes: config.MAILBOX_MAX_BYTES,
    totalBytes: config.MAILBOX_TOTAL_BYTES
  }))
  app.addHook('onClose', async () => { await app.state.close() })
}, { name: 'state', fastify: '5.x', dependencies: ['signalbox'] })
