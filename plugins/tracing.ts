import type { IncomingMessage } from 'node:http'
import type { Span } from '@opentelemetry/api'
import fp from 'fastify-plugin'
import { optional } from '../src/telemetry/tracing.js'

/**
 * With `OTEL_ENABLED`, a span for each request and each handshake. Also where the @fastify/otel of an app around us records them, spans
 * end, and contain no query, which may hold a token.
 */
export default fp(async (app) => {
  if (app.signalbox.config.OTEL_ENABLED && !app.hasRequestDecorator('opentelemetry')) {
    const { FastifyOtelInstrumentation } = await optional(async () => await import('@fastify/otel'))
    // One span for a request: its hooks and handler take fractions of a millisecond. Exceptions are in the log.
    const instrumentation = new FastifyOtelInstrumentation({ instrumentHooks: false, instrumentHandler: false, recordExceptions: false })
    await app.register(instrumentation.plugin())
  }
  if (!app.hasRequestDecorator('opentelemetry')) return

  const upgrades = new WeakMap<IncomingMessage, () => void>()
  app.addHook('onRequest', async (request) => {
    const { span } = request.opentelemetry()
    if (span === null) return
    const { method, url, routeOptions, raw, ws } = request
    span.setAttribute('url.path', url.split('?', 1)[0] ?? '')
    span.updateName(`${method} ${routeOptions.url ?? ''}`.trimEnd())
    if (ws) upgrades.set(raw, awaitUpgrade(raw, span))
  })
  app.websocketServer.on('headers', (_headers, request) => upgrades.get(request)?.())
}, { name: 'tracing', fastify: '5.x', dependencies: ['signalbox', 'websocket'] })

/** Returns a function that ends a handshake's span at the upgrade, which runs no hook. Without an upgrade it ends with the connection. */
function awaitUpgrade ({ socket }: IncomingMessage, span: Span): () => void {
  const end = () => { if (span.isRecording()) span.end() }
  socket.once('close', end)
  return () => {
    socket.off('close', end)
    span.setAttribute('http.response.status_code', 101)
    end()
  }
}
