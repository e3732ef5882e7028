import fastify, { type FastifyInstance, LogController } from 'fastify'
import { type SerializedError, stdSerializers } from 'pino'
import { describeRequest, signalbox } from './app.js'
import type { Config } from './config.js'
import { httpTimeouts } from './listeners.js'

/** The stock server, ready to listen: a Fastify instance with nothing in it but Signalbox. */
export function createService (config: Config): FastifyInstance {
  const app: FastifyInstance = fastify({
    logger: { level: config.LOG_LEVEL, serializers: { req: describeRequest, err: describeError } },
    trustProxy: trusted(config.TRUST_PROXY),
    logController: new LogController({ disableRequestLogging: config.LOG_LEVEL !== 'debug' && config.LOG_LEVEL !== 'trace' }),
    // Sockets are closed before, each with a code; what is left then are idle or half-sent requests.
    forceCloseConnections: true,
    http: httpTimeouts,
    requestTimeout: httpTimeouts.requestTimeout,
    bodyLimit: config.MAX_PAYLOAD,
    routerOptions: { maxParamLength: 256 }
  })
  app.setNotFoundHandler(async (_request, reply) => await reply.code(404).send({ error: 'not found' }))
  app.register(signalbox, { config, cors: true })
  return app
}

/** An error as it is logged: without the bytes of the request that was none, whose query may hold a token. */
function describeError (error: Error): SerializedError {
  const described = stdSerializers.err(error)
  delete described.rawPacket
  return described
}

function trusted (setting: string): boolean | string[] {
  return setting === 'true' || setting === 'false' ? setting === 'true' : setting.split(/\s*,\s*/)
}
