import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { Test } from 'tap'
import type { Env } from '../helper.js'

type Attributes = Record<string, string | undefined>

export interface Span {
  readonly name: string
  /** 2 is a server's. */
  readonly kind: number
  readonly traceId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Attributes
  /** Of the process. */
  readonly resource: Attributes
}

export interface Collector {
  /** Settings that make the SDK of a server export to it. */
  readonly env: Env
  /** Paths of the requests that came in. */
  readonly paths: string[]
  /** The spans that came in so far. */
  readonly spans: Span[]
  /** All that came in, as it was. */
  text (): string
}

interface Attribute {
  readonly key: string
  readonly value: Record<string, unknown>
}

interface Export {
  readonly resourceSpans: Array<{
    readonly resource: { readonly attributes: Attribute[] }
    readonly scopeSpans: Array<{ readonly spans: Array<Omit<Span, 'attributes'> & { readonly attributes: Attribute[] }> }>
  }>
}

const table = (attributes: readonly Attribute[]): Attributes => Object.fromEntries(
  attributes.map(({ key, value }) => [key, String(Object.values(value)[0])])
)

/**
 * Receives OTLP over HTTP, as JSON, until the test ends.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export async function collect (t: Test): Promise<Collector> {
  const paths: string[] = []
  const spans: Span[] = []
  const texts: string[] = []
  const server = createServer(async (request, response) => {
    const text = (await request.setEncoding('utf8').toArray()).join('')
    paths.push(request.url ?? '')
    texts.push(JSON.stringify(request.headers), text)
    for (const { resource, scopeSpans } of (JSON.parse(text) as Export).resourceSpans) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        spans.push({ ...span, attributes: table(span.attributes), resource: table(resource.attributes) })
      }
    }
    response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return { env: exportTo((server.address() as AddressInfo).port), paths, spans, text: () => texts.join('\n') }
}

/** Settings that make the SDK of a server export to a port of the loopback, soon after a span has ended. */
export function exportTo (port: number): Env {
  return {
    OTEL_ENABLED: 'true',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50'
  }
}
