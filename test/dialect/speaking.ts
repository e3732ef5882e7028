import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { Connection, Dialect, FrameSchemas } from '../../src/index.js'
import { readConfig } from '../../src/settings.js'
import { createService } from '../../src/service.js'
import { schemaController } from '../../src/testing/schema-controller.js'
import type { Env } from '../helper.js'

/** Says how a frame was refused. */
export const errors = {
  frame: (error: string) => JSON.stringify({ error }),
  notJson: 'not JSON',
  unknownType: (type: unknown) => `unknown type ${String(type)}`,
  malformed: (type: string) => `malformed ${type}`,
  internal: 'internal error'
}

/** Its state is the connection. */
export const open = (connection: Connection): Connection => connection

export interface Spoken<Frames extends FrameSchemas, ClientState> {
  /** `/<name of the dialect>` by default. */
  url?: string
  env?: Env
  dialect: Dialect<Frames, ClientState>
}

/** The stock server with a dialect of the test's own. */
export async function buildSpeaking<Frames extends FrameSchemas, ClientState> (
  t: Test,
  { dialect, url = `/${dialect.name}`, env = {} }: Spoken<Frames, ClientState>
): Promise<FastifyInstance> {
  const config = readConfig({ LOG_LEVEL: 'silent', HOST: '127.0.0.1', MAX_EVENT_LOOP_DELAY: '60000', ...env }, [])
  const app = createService(config, { schemaController })
  t.teardown(async () => await app.close())
  app.register(async (app) => { app.route({ url, ...app.speak(dialect) }) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}
