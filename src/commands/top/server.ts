import type { Static, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { CommandError } from '../command.js'
import { problemOf } from '../doctor/errors.js'
import { eventReader, type ServerEvent } from '../../net/event-stream.js'
import { printable } from '../printable.js'

/** How long an answer may take, and a stream may be silent. In ms. */
const patienceMs = 5_000
/** Characters of what a server says of itself. */
const maxSaid = 200

/** The server is not there now, and may be soon. */
export class Lost extends Error {}

export interface ServerOptions {
  /** Without a slash at its end. */
  readonly url: string
  readonly token: string | undefined
  /** Signs a token with the role `admin`. Undefined without a key. */
  readonly sign: () => Promise<string | undefined>
}

/** The `/admin` routes of a server, as those have them who hold the role `admin`. */
export class Server {
  readonly url: string
  readonly #sign: ServerOptions['sign']
  readonly #isGiven: boolean
  #token: string | undefined

  constructor ({ url, token, sign }: ServerOptions) {
    this.url = url
    this.#token = token
    this.#isGiven = token !== undefined
    this.#sign = sign
  }

  /**
   * @throws Lost while the server cannot be reached
   * @throws CommandError for an answer that will stay the same, with what to do
   */
  async get<S extends TSchema> (path: string, schema: S): Promise<Static<S>> {
    const signal = AbortSignal.timeout(patienceMs)
    const answer = await this.#ask(path, signal)
    const body: unknown = await answer.json().catch(() => undefined)
    if (Value.Check(schema, body)) return body
    if (signal.aborted) throw new Lost('nobody answers in time')
    throw new CommandError('top: what answers there is not Signalbox, or another version of it; signalbox doctor URL says more')
  }

  /**
   * The events of a stream, until it ends.
   *
   * @throws Lost and CommandError as above
   */
  async * events (path: string, signal: AbortSignal): AsyncGenerator<ServerEvent, void> {
    const silence = new AbortController()
    const silent = setTimeout(() => silence.abort(), patienceMs)
    try {
      const { body } = await this.#ask(path, AbortSignal.any([signal, silence.signal]))
      if (body === null) return
      const read = eventReader()
      for await (const part of body) {
        silent.refresh()
        yield * read(part)
      }
    } catch (error) {
      if (error instanceof CommandError || error instanceof Lost) throw error
      throw new Lost(silence.signal.aborted ? 'nobody answers in time' : 'the connection has ended')
    } finally {
      clearTimeout(silent)
    }
  }

  async #ask (path: string, signal: AbortSignal): Promise<Response> {
    const answer = await this.#fetch(path, signal)
    if (answer.status !== 401 || this.#isGiven) return await checked(answer, this.#token)
    // A key signs only for a server that asks for it, and anew when a token has expired.
    const token = await this.#sign()
    if (token === undefined) return await checked(answer, undefined)
    this.#token = token
    await answer.body?.cancel()
    return await checked(await this.#fetch(path, signal), token)
  }

  async #fetch (path: string, signal: AbortSignal): Promise<Response> {
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
    try {
      return await fetch(`${this.url}/admin/${path}`, { headers, signal, redirect: 'manual' })
    } catch (error) {
      const { name, cause } = error as Error
      throw new Lost(name === 'TimeoutError' || name === 'AbortError' ? 'nobody answers in time' : problemOf(cause ?? error))
    }
  }
}

/** An answer of 200, or what to do about another. */
async function checked (answer: Response, token: string | undefined): Promise<Response> {
  const { status, headers } = answer
  if (status === 200) return answer
  const body: unknown = await answer.json().catch(() => undefined)
  const { error } = (typeof body === 'object' ? body ?? {} : {}) as { error?: unknown }
  const said = typeof error === 'string' ? printable(error).slice(0, maxSaid) : undefined
  if (status >= 500 || status === 429) throw new Lost(said === undefined ? `a proxy answers ${status}` : `it answers ${status}, ${said}`)
  throw new CommandError(`top: ${adviceOn(status, said, { token, location: headers.get('location') })}`)
}

function adviceOn (
  status: number, said: string | undefined, { token, location }: { token: string | undefined, location: string | null }
): string {
  if (status === 401) {
    return token === undefined
      ? 'it takes a token: --token "$(signalbox token --sub me --role admin)", with JWT_SECRET as the server has it (401)'
      : 'it refuses the token, which must be valid and have the role admin: signalbox token --check TOKEN says more (401)'
  }
  if (status === 403) {
    return said === undefined
      ? 'a proxy forbids /admin: ask Signalbox itself, on its host (403)'
      : `it answers 403, ${said}`
  }
  if (status === 404) {
    return said === 'not found'
      ? 'Signalbox is there without /admin/nodes: the prefix in the URL is wrong, or its version is older (404)'
      : 'no Signalbox is there, or a proxy does not pass /admin on: give the URL with the prefix of the proxy, or ask on its host (404)'
  }
  if (status >= 300 && status < 400) return `it leads to ${printable(location ?? 'nowhere').slice(0, maxSaid)}: give that URL (${status})`
  return `what answers there is not Signalbox (${status}); signalbox doctor URL says more`
}
