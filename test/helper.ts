import type { FastifyInstance } from 'fastify'
import type { DialectName } from '../src/settings.js'
import { alternate } from '../src/testing/nodes.js'
import type { Scope } from '../src/testing/runner.js'
import { type Env, serve } from '../src/testing/serve.js'
import { freshDatabase } from './redis.js'

// Most tests need some of these beside a server.
export { begin, Client, connect, type Reachable, refusal, urlOf } from '../src/testing/client.js'
export type { Frame } from '../src/testing/dialect.js'
export { nodesOf, totals } from '../src/testing/nodes.js'
export type { Env } from '../src/testing/serve.js'
export { askEveryMs, until } from '../src/testing/until.js'

/** Where the tests keep the state: in `memory`, on `redis`, or on Redis with two `nodes` between which clients alternate. */
const where = process.env.TEST_STATE ?? 'memory'

/** The stock server on a free port of the loopback, closed with the test. */
export async function build (t: Scope, env: Env = {}): Promise<FastifyInstance> {
  if (where === 'memory' || env.REDIS_URL !== undefined) return await serve(t, env)
  // Long enough for a process that is busy setting up six servers at once.
  const shared = { NODE_LEASE_MS: '5000', ...env, REDIS_URL: await freshDatabase() }
  const app = await serve(t, shared)
  if (where === 'nodes') alternate(app, await serve(t, shared))
  return app
}

/** The same, of a server that speaks one dialect alone: it is there in half the time. */
export function buildOnly (dialect: DialectName): typeof build {
  return async (t, env = {}) => await build(t, { DIALECTS: dialect, ...env })
}
