import { ConfigError } from '../config/config-error.js'
import { version } from '../config/version.js'

/** Packages of which a server without traces has no need. */
const packages = ['@fastify/otel', '@opentelemetry/api', '@opentelemetry/sdk-node']

/**
 * Answers what `load` does, which imports one of the optional packages.
 *
 * @throws ConfigError when it is not installed
 */
export async function optional<Module> (load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error
    throw new ConfigError(`OTEL_ENABLED: requires the packages ${packages.join(', ')}`)
  }
}

/**
 * Starts the OpenTelemetry SDK of this process, which exports spans as the `OTEL_*` variables say. `warn` hears what it has to
 * complain about, unless `OTEL_LOG_LEVEL` has it on the console.
 *
 * @returns what ends it, once the spans that wait are sent
 * @throws ConfigError when its packages are not installed
 */
export async function startTracing (warn: (complaint: string) => void): Promise<() => Promise<void>> {
  const { api: { diag, DiagLogLevel }, NodeSDK, resources } = await optional(async () => await import('@opentelemetry/sdk-node'))
  const complain = (complaint: string) => warn(messageOf(complaint))
  const ignore = () => {}
  diag.setLogger({ error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN)
  const { defaultResource, envDetector, hostDetector, resourceFromAttributes, serviceInstanceIdDetector } = resources
  const sdk = new NodeSDK({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': 'signalbox', 'service.version': version })),
    // Not the process, whose arguments may hold secrets. The last one wins.
    resourceDetectors: [hostDetector, serviceInstanceIdDetector, envDetector],
    // Metrics are at /metrics and the log is at stdout: unless told, it would export those too.
    metricReaders: [],
    logRecordProcessors: []
  })
  sdk.start()
  return async () => await sdk.shutdown()
}

/** Of an error it writes all that it knows, as JSON. */
function messageOf (complaint: string): string {
  try {
    const { message = complaint } = JSON.parse(complaint) as { message?: string }
    return message
  } catch {
    return complaint
  }
}
