import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'

/** How long an answer may take. In ms. */
export const patienceMs = 5_000
/** Longer answers are cut. In bytes. */
const maxBodyBytes = 4_194_304

export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly rejectUnauthorized?: boolean
  readonly localAddress?: string | undefined
}

/** An answer over HTTP, or to an upgrade. */
export interface Answer {
  readonly status: number
  readonly httpVersion: string
  readonly headers: IncomingMessage['headers']
  /** Each value of a header by itself, which `headers` may join. */
  readonly all: (name: string) => readonly string[]
  readonly text: string
  /** What its body is as JSON. Undefined for what is none. */
  readonly json: unknown
  /** Whether only Signalbox answers like this. */
  readonly isSignalbox: boolean
}

/**
 * Asks a server, on a connection of its own.
 *
 * @throws the error of the connection; with the code `ETIMEDOUT` where nothing comes in 5 s
 */
export async function ask (url: string | URL, asking: Asking = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, rejectUnauthorized = true, localAddress } = asking
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    method,
    headers: { ...headers },
    agent: false,
    rejectUnauthorized,
    ...(localAddress !== undefined && { localAddress })
  }
  return await new Promise((resolve, reject) => {
    const request = new URL(url).protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options)
    const timeout = setTimeout(() => {
      request.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }))
    }, patienceMs)
    let isAnswered = false
    const done = (answer: Answer): void => {
      clearTimeout(timeout)
      resolve(answer)
    }
    request.on('error', (error) => {
      clearTimeout(timeout)
      reject(error)
    })
    request.on('upgrade', (response, socket) => {
      isAnswered = true
      socket.destroy()
      done(answerOf(response, ''))
    })
    request.on('response', (response) => {
      isAnswered = true
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (text.length > maxBodyBytes) response.destroy()
      })
      response.on('error', () => {}).on('close', () => done(answerOf(response, text)))
    })
    request.on('close', () => {
      clearTimeout(timeout)
      if (!isAnswered) reject(Object.assign(new Error('closed before an answer'), { code: 'ECONNRESET' }))
    })
    request.end()
  })
}

function answerOf (response: IncomingMessage, text: string): Answer {
  const { statusCode: status = 0, httpVersion, headers, headersDistinct } = response
  const json = jsonOf(text)
  return {
    status,
    httpVersion,
    headers,
    all: (name) => headersDistinct[name] ?? [],
    text,
    json,
    isSignalbox: isOurs(status, json)
  }
}

/** What `/health`, `/ready` and unknown paths have for a body. */
function isOurs (status: number, json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false
  const { status: said, uptime, error } = json as Record<string, unknown>
  if (status === 404) return error === 'not found'
  return (said === 'ok' && typeof uptime === 'number') || said === 'ready' || said === 'draining' || said === 'no redis'
}

function jsonOf (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
