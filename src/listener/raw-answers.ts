import { type ServerResponse, STATUS_CODES } from 'node:http'

type Headers = Readonly<Record<string, string>>

const bodyOf = (status: number): string => JSON.stringify({ error: STATUS_CODES[status]?.toLowerCase() })

const headersOf = (body: string): Headers => ({
  connection: 'close',
  'content-type': 'application/json',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-length': String(body.length)
})

/** Answers with an error before Fastify sees the request, and closes the connection. `cors` are headers for a browser. */
export function answer (response: ServerResponse, status: number, cors: Headers): void {
  const body = bodyOf(status)
  response.writeHead(status, { ...cors, ...headersOf(body) }).end(body)
}

/** The same error as the text of an HTTP response, for a socket that has no response object. */
export function rawAnswer (status: number, cors: Headers = {}): string {
  const body = bodyOf(status)
  const headers = Object.entries({ ...cors, ...headersOf(body) }).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}\r\n${body}`
}

/** The status for an error of Node's HTTP parser, or of its timeouts. */
export function statusOf ({ code }: NodeJS.ErrnoException): number {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW' ? 413 : 400
}
