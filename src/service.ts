import type { RequestListener, Server } from 'node:http'
import fastify, { type FastifyHttpOptions, type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify'
import { type SerializedError, stdSerializers } from 'pino'
import { describeRequest, signalbox } from './app.js'
import type { Config } from './config.js'
import { type LogStream, logStream } from './log-stream.js'
import { type Timeouts, timeouts as usualTimeouts } from './listeners.js'
import { type Tls, tlsOf } from './tls.js'

/** One for all servers of the process. */
let stdout: LogStream | undefined

/**
 * The stock server, ready to listen: a Fastify instance with nothing in it but Signalbox.
 *
 * @param timeouts how long clients may take over what
 * @throws ConfigError for TLS files that cannot be used
 */
export function createService (config: Config, timeouts: Timeouts = usualTimeouts): FastifyInstance {
  const tls = tlsOf(config)
  const options: FastifyHttpOptions<Server> = {
    logger: { level: config.LOG_LEVEL, serializers: { req: describeRequest, err: describeError }, stream: stdout ??= logStream({ describeLoss }) },
    trustProxy: trusted(config.TRUST_PROXY),
    logController: new LogController({ disableRequestLogging: config.LOG_LEVEL !== 'debug' && config.LOG_LEVEL !== 'trace' }),
    // Sockets are closed before, each with a code; what is left then are idle or half-sent requests.
    forceCloseConnections: true,
    http: timeouts,
    requestTimeout: timeouts.requestTimeout,
    bodyLimit: config.MAX_PAYLOAD,
    routerOptions: { maxParamLength: 256 }
  }
  const app: FastifyInstance = fastify(tls === undefined ? options : { ...options, ...securely(tls, timeouts) })
  app.setNotFoundHandler(async (_request, reply) => await reply.code(404).send({ error: 'not found' }))
  app.register(signalbox, { config, cors: true, timeouts, describesRequests: true, ...(tls !== undefined && { tls }) })
  return app
}

function describeLoss (lines: number): string {
  return JSON.stringify({ level: 40, time: Date.now(), lines, msg: 'lines of this log were lost: nobody read them' })
}

/** Options with which Fastify listens on a server of ours. Of `localhost` that is one address: another server for the other one would never be told of new certificates. */
function securely (tls: Tls, timeouts: Timeouts): FastifyServerOptions {
  return {
    // For its log, which then says https.
    ...{ https: {} },
    serverFactory: (handler, { keepAliveTimeout }) => tls.createServer({ ...timeouts, keepAliveTimeout: Number(keepAliveTimeout) }, handler as RequestListener)
  }
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
