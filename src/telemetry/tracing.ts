import { ConfigError } from '../config/config-error.js'
import { manifest } from '../config/manifest.js'

/** Optional packages, needed for traces only. */
const packages = ['@fastify/otel', '@opentelemetry/api', '@opentelemetry/sdk-node']

/**
 * Imports one of the optional packages.
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
 * Starts the OpenTelemetry SDK of this process, configured by the `OTEL_*` variables.
 *
 * @param warn called with the SDK's warnings, unless `OTEL_LOG_LEVEL` sends them to the console
 * @returns a function that sends the pending spans and stops the SDK
 * @throws ConfigError when its packages are not installed
 */
export async function startTracing (warn: (complaint: string) => void): Promise<() => Promise<void>> {
  const { api: { diag, DiagLogLevel }, NodeSDK, resources } = await optional(async () => await import('@opentelemetry/sdk-node'))
  const complain = (complaint: string) => warn(messageOf(complaint))
  const ignore = () => {}
  diag.setLogger({ error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN)
  const { defaultResource, envDetector, hostDetector, resourceFromAttributes, serviceInstanceIdDetector } = resources
  const sdk = new NodeSDK({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': 'signalbox', 'service.version': manifest.version })),
    // Not that of the process, whose arguments may contain secrets. The last detector wins.
    resourceDetectors: [hostDetector, serviceInstanceIdDetector, envDetector],
    // By default the SDK would export these, too. Metrics are at /metrics, and the log is on stdout.
    metricReaders: [],
    logRecordProcessors: []
  })
  sdk.start()
  return async () => await sdk.shutdown()
}

/** The SDK writes an error as JSON, with all its fields. */
function messageOf (complaint: string): string {
  try {
    const { message = complaint } = JSON.parse(complaint) as { message?: string }
    return message
  } catch {
    return complaint
  }
}
