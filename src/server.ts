#!/usr/bin/env node
import { type Config, ConfigError, readConfig } from './config.js'
import { helpText } from './help.js'
import { createService } from './service.js'
import { startTracing } from './tracing.js'

/** After the drain, what has not ended by then is cut by the process's end. In ms. */
const lastWordMs = 4_500

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
  async function stop (signal: string): Promise<void> {
    if (isStopping) return
    isStopping = true
    app.log.info(`${signal}: draining ${app.signalbox.connections.size} sockets over ${config.DRAIN_MS} ms`)
    setTimeout(() => process.exit(0), config.DRAIN_MS + lastWordMs).unref()
    await app.signalbox.connections.drain(config.DRAIN_MS)
    await app.close()
    // Last, since it may take until the end: the receiver of the traces may be gone.
    await endTracing?.().catch((error: unknown) => app.log.warn({ err: error }, 'spans are lost'))
    process.exit(0)
  }
  await app.ready()
  process.on('SIGTERM', stop).on('SIGINT', stop)
  await app.listen({ port: config.PORT, host: config.HOST })
}

function fail (error: Error): never {
  process.stderr.write(`signalbox: ${error.message}\n`)
  process.exit(1)
}
