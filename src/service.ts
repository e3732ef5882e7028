import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import fastify, {
  type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions, LogController
} from 'fastify'
import { type LoggerOptions, type SerializedError, stdSerializers } from 'pino'
import type * as PinoPretty from 'pino-pretty'
import { describeRequest, signalbox, type SignalboxOptions } from './app.js'
import type { Config } from './config/schema.js'
import { withHelp } from './telemetry/help.js'
import { type LogStream, logStream } from './telemetry/log-stream.js'
import { serverOptions, type Timeouts, defaultTimeouts } from './listener/timeouts.js'
import { type Clock, systemClock } from './timing/clock.js'
import { unrouted } from './listener/unrouted.js'
import { trustedProxies } from './net/trusted-proxies.js'
import { tlsOf } from './listener/tls.js'

/** Shared by all servers of the process. */
let stdout: LogStream | undefined

/** Writes to the standard output, in order with what is logged. */
export function print (text: string): void {
  stdout ??= logStream({ describeLoss })
  stdout.write(text)
}

/** Where log lines go: as JSON, or in the form that people read. */
function logDestination ({ LOG_FORMAT = process.stdout.isTTY ? 'pretty' : 'json' }: Config): { write: (line: string) => void } {
  if (LOG_FORMAT === 'json') return { write: print }
  // Loaded only here: most servers have no terminal.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty
  const pretty = prettyFactory({ colorize: process.stdout.isTTY, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' })
  return { write: (line) => print(String(pretty(line))) }
}

/** Options of `createService`. */
export interface CreateServiceOptions extends Pick<SignalboxOptions, 'generateId'>, Pick<FastifyServerOptions, 'schemaController'> {
  /** Of clients on every listener. */
  timeouts?: Timeouts
  /** Where it reads the time: tests pass their own. */
  clock?: Clock
}

/**
 * The stock server, ready to listen: a Fastify instance with nothing in it but Signalbox.
 *
 * @throws ConfigError for TLS files that cannot be used
 */
export function createService (config: Config, options: CreateServiceOptions = {}): FastifyInstance {
  const { timeouts = defaultTimeouts, clock = systemClock, schemaController } = options
  const tls = tlsOf(config)
  const app: FastifyInstance = fastify({
    logger: {
      level: config.LOG_LEVEL,
      serializers: { req: describeRequest, err: describeError },
      hooks: { logMethod: addHelp },
      stream: logDestination(config)
    },
    trustProxy: trustedProxies(config.TRUST_PROXY),
    logController: new LogController({ disableRequestLogging: config.LOG_LEVEL !== 'debug' && config.LOG_LEVEL !== 'trace' }),
    // By then sockets have been closed, each with a code. Only idle connections and unfinished requests are left.
    forceCloseConnections: true,
    bodyLimit: config.MAX_PAYLOAD,
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: rerouteBadUrl,
    ...(schemaController !== undefined && { schemaController }),
    clientErrorHandler: (error, socket) => app.signalbox.gate.onClientError(error, socket),
    // Only so that the log says https.
    ...(tls !== undefined && { https: {} }),
    serverFactory (handler) {
      let answer: RequestListener | undefined
      const listener: RequestListener = (request, response) => {
        answer ??= app.signalbox.gate.within(handler as RequestListener)
        answer(request, response)
      }
      const options = serverOptions(timeouts)
      return tls === undefined ? createServer(options, listener) : tls.createServer(options, listener)
    }
  })
  app.register(signalbox, { ...options, config, timeouts, clock, isService: true, ...(tls !== undefined && { tls }) })
  return app
}

function describeLoss (lines: number): string {
  return JSON.stringify({ level: 40, time: Date.now(), lines, msg: 'lines of this log were lost: they could not be written in time' })
}

/** That of pino for `warn`. */
const warnLevel = 40

/** Names the page that says more, in warnings and errors. */
const addHelp: NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']> = function (given, log, level) {
  log.apply(this, level < warnLevel ? given : withHelp(given) as typeof given)
}

/** Sends what the router refuses before any hook runs to a route that answers the same, with hooks. */
function rerouteBadUrl ({ statusCode }: FastifyError, { raw, server }: FastifyRequest, reply: FastifyReply): void {
  raw.url = statusCode === 414 ? unrouted.tooLong : unrouted.badUrl
  server.routing(raw, reply.raw)
}

/** An error as it is logged: without the bytes of a malformed request, whose query may contain a token. */
function describeError (error: Error): SerializedError {
  const described = stdSerializers.err(error)
  delete described.rawPacket
  return described
}
