import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { readConfig } from '../settings.js'
import { createService } from '../service.js'
import type { Scope } from './runner.js'
import { schemaController } from './schema-controller.js'
import { until } from './until.js'

/** Settings as in the environment: text by name. */
export type Env = Record<string, string>

/** Builds a server with these settings, which listens on a port of the loopback until the test is over. */
export type Build = (t: Scope, env: Env) => Promise<FastifyInstance>

/** A dialect that comes as a plugin, and where its routes are. */
export interface Mount {
  readonly plugin: FastifyPluginAsync
  /** By default none. */
  readonly prefix?: string
}

/** Limits that a test of something else should not meet. */
const generous: Env = { CONNECT_RATE: '1000000', MAX_EVENT_LOOP_DELAY: '60000', LOG_LEVEL: 'silent', HOST: '127.0.0.1' }

/**
 * The stock server, with one more dialect if there is a `mount`, on a free port of the loopback. It closes with the test.
 *
 * @throws ConfigError for a setting with an invalid value
 */
export async function serve (t: Scope, env: Env = {}, mount?: Mount): Promise<FastifyInstance> {
  const app = createService(readConfig({ ...generous, ...env }, []), { schemaController })
  t.after(async () => await app.close())
  if (mount !== undefined) app.register(mount.plugin, { prefix: mount.prefix ?? '' })
  await app.listen({ port: 0, host: '127.0.0.1' })
  // As a load balancer does.
  await until(() => app.state.isReady)
  return app
}
