import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import closeWithGrace, { type AllEvents } from 'close-with-grace'
import { infoOf } from '../routes/info.js'
import type { Config } from './config/schema.js'
import * as dialects from './dialects.js'
import { greeting } from './greeting.js'
import { watchLauncher } from './launcher.js'
import { listenError } from './listener/listening.js'
import { backlog } from './listener/timeouts.js'
import { listenAtPath } from './listener/unix-socket.js'
import { unixPathOf } from './net/unix-path.js'
import { createService, print } from './service.js'
import { startTracing } from './telemetry/tracing.js'

/** The process ends this long after the drain, whatever is still open. In ms. */
const forceExitMs = 4_500
/** npm passes a Ctrl-C on that the terminal has sent us already: a second one counts only after this. In ms. */
const sameKeyMs = 500

/**
 * Events that close-with-grace leaves alone: SIGINT and SIGTERM, of which a second one would end the process at once; SIGHUP, which
 * `nohup` ignores; faults after which no JavaScript should run; and rejections, which Node throws as uncaught exceptions.
 */
const skip: AllEvents[] = [
  'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGILL', 'SIGTRAP', 'SIGABRT',
  'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGUSR2', 'unhandledRejection', 'beforeExit'
]

/**
 * Starts the server, and has it drain when it is told to stop.
 *
 * @throws ConfigError for an address or a port that cannot be used
 */
export async function start (config: Config): Promise<void> {
  const app = createService(config)
  const endTracing = config.OTEL_ENABLED ? await startTracing((complaint) => app.log.warn(`tracing: ${complaint}`)) : undefined

  async function end (drainMs: number): Promise<void> {
    await app.signalbox.connections.drain(drainMs)
    await app.close()
    // Last, since the receiver of the traces may be gone, and then this takes all the time that is left.
    await endTracing?.().catch((error: unknown) => app.log.warn({ err: error }, 'spans are lost'))
  }

  await app.ready()
  let stoppedAt: number | undefined
  const { close } = closeWithGrace({
    skip,
    delay: false,
    logger: { error (reason: unknown) { app.log.error({ err: reason }, 'shutdown failed') } },
    onSecondError (error) {
      app.log.fatal({ err: error }, 'uncaught error: the process ends now')
      // At once for the sockets that are still open: the process ends when this returns.
      app.signalbox.connections.drain(0).catch(() => {})
    }
  }, async (cause) => {
    stoppedAt ??= performance.now()
    const isFailure = 'err' in cause
    // The state of the process is unknown after an uncaught error: clients are told to reconnect, to the next one.
    if (isFailure) app.log.fatal({ err: cause.err }, 'uncaught error: the process ends')
    const drainMs = isFailure ? 0 : config.DRAIN_MS
    await Promise.race([end(drainMs), delay(drainMs + forceExitMs, undefined, { ref: false })])
    if (isFailure) process.exit(1)
  })

  /** A second Ctrl-C ends the process at once. A second SIGTERM changes nothing: orchestrators repeat it. */
  function stop (reason: NodeJS.Signals | 'the launcher has ended'): void {
    const now = performance.now()
    if (stoppedAt !== undefined) {
      if (reason === 'SIGINT' && now - stoppedAt > sameKeyMs) process.exit(1)
      return
    }
    stoppedAt = now
    app.log.info(`${reason}: draining ${app.signalbox.connections.size} sockets over ${config.DRAIN_MS} ms`)
    close()
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  const path = unixPathOf(config.HOST)
  const listening = path === undefined
    ? app.listen({ port: config.PORT, host: config.HOST, backlog })
    : listenAtPath(path, async () => await app.listen({ path, backlog }))
  await listening.catch((error: unknown) => {
    throw listenError(error, config, 'PORT', String(config.PORT))
  })
  if (process.stdout.isTTY) {
    print(greeting({
      host: config.HOST,
      port: config.PORT === 0 ? (app.server.address() as AddressInfo).port : config.PORT,
      secure: config.TLS_CERT !== undefined,
      hasPages: config.WEB,
      info: infoOf(config, app.signalbox.auth.isOpen, new Map(Object.entries(dialects))),
      startedWithinMs: performance.now()
    }))
  }
  watchLauncher(() => stop('the launcher has ended'))
}
