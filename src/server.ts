#!/usr/bin/env node
import { type Config, ConfigError, readConfig } from './config/schema.js'
import { helpText } from './config/help.js'
import { backlog } from './listener/timeouts.js'
import { createService } from './service.js'
import { startTracing } from './telemetry/tracing.js'

/** After the drain, what has not ended by then is cut by the process's end. In ms. */
const forceExitMs = 4_500

const argv = process.argv.slice(2)
if (argv.includes('--help')) {
  process.stdout.write(helpText())
} else {
  await main(argv)
}

async function main (argv: string[]): Promise<void> {
  let config: Config
  try {
    config = readConfig(process.env, argv)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return fail(error)
  }
  try {
    await start(config)
  } catch (error) {
    fail(error as Error)
  }
}

async function start (config: Config): Promise<void> {
  const app = createService(config)
  const endTracing = config.OTEL_ENABLED ? await startTracing((complaint) => app.log.warn(`tracing: ${complaint}`)) : undefined
  let isStopping = false
  let isFalling = false
  async function end (drainMs: number, code: number): Promise<void> {
    setTimeout(() => process.exit(code), drainMs + forceExitMs).unref()
    await app.signalbox.connections.drain(drainMs)
    await app.close()
    // Last, since it may take until the end: the receiver of the traces may be gone.
    await endTracing?.().catch((error: unknown) => app.log.warn({ err: error }, 'spans are lost'))
    process.exit(code)
  }
  async function stop (signal: string): Promise<void> {
    if (isStopping) return
    isStopping = true
    app.log.info(`${signal}: draining ${app.signalbox.connections.size} sockets over ${config.DRAIN_MS} ms`)
    await end(config.DRAIN_MS, 0)
  }
  /** Nobody can say what state the process is in after that. Its clients are told to come back, to the next one. */
  async function fall (error: unknown): Promise<void> {
    app.log.fatal({ err: error }, 'not caught: the process ends')
    if (isFalling) process.exit(1)
    isStopping = isFalling = true
    await end(0, 1)
  }
  await app.ready()
  process.on('SIGTERM', stop).on('SIGINT', stop)
  // Of promises that nobody listens to as well, which Node throws here.
  process.on('uncaughtException', fall)
  await app.listen({ port: config.PORT, host: config.HOST, backlog })
}

function fail (error: Error): never {
  process.stderr.write(`signalbox: ${error.message}\n`)
  process.exit(1)
}
