import type { Place } from '../../src/dialect/place.js'
import type { Info } from '../shared/server.js'

export interface Options {
  readonly place: Place
  /** As a browser writes it in `Origin`. */
  readonly origin: string
  readonly token: string | undefined
  readonly silenceMs: number
  /** Ends everything that this run has open. */
  readonly ended: AbortSignal
  /** Ends what takes so long. */
  readonly skipped: AbortSignal
}

/** An answer over HTTP. Its status is 0 where there was none; its body is undefined where that is no JSON. */
export interface Answer<Body> {
  readonly status: number
  readonly body: Body | undefined
  readonly ms: number
}

/** What several checks of one run need to know. Each is asked for once. */
export class Facts {
  readonly options: Options
  readonly #asked = new Map<string, Promise<Answer<unknown>>>()

  constructor (options: Options) {
    this.options = options
  }

  async info (): Promise<Answer<Info>> {
    return await this.#ask('info') as Answer<Info>
  }

  async health (): Promise<Answer<{ status: string }>> {
    return await this.#ask('health') as Answer<{ status: string }>
  }

  async ready (): Promise<Answer<{ status: string }>> {
    return await this.#ask('ready') as Answer<{ status: string }>
  }

  /** A browser sends no `Origin` with a GET to the page's own server, and one with everything else. */
  async originAnswer (): Promise<Answer<{ error: string }>> {
    return await this.#ask('info', 'OPTIONS') as Answer<{ error: string }>
  }

  async iceServers (): Promise<Answer<{ iceServers: RTCIceServer[] }>> {
    return await this.#ask('ice-servers') as Answer<{ iceServers: RTCIceServer[] }>
  }

  /** Those that clients get; undefined where this one gets no answer. */
  async servers (): Promise<RTCIceServer[] | undefined> {
    const { status, body } = await this.iceServers()
    return status === 200 ? body?.iceServers : undefined
  }

  /** What must never be shown: the token, and credentials of TURN servers. */
  async secrets (): Promise<string[]> {
    const credentials = (await this.servers() ?? []).flatMap(({ username, credential }) => [username, credential])
    return [this.options.token, ...credentials].filter((secret) => secret !== undefined && secret !== '') as string[]
  }

  async #ask (path: string, method = 'GET'): Promise<Answer<unknown>> {
    const key = `${method} ${path}`
    const asked = this.#asked.get(key) ?? this.#fetch(path, method)
    this.#asked.set(key, asked)
    return await asked
  }

  async #fetch (path: string, method: string): Promise<Answer<unknown>> {
    const { place, token, ended } = this.options
    const begunAt = performance.now()
    try {
      const answer = await fetch(`${place.http}/${path}`, {
        method,
        cache: 'no-store',
        signal: ended,
        ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } })
      })
      const text = await answer.text()
      return { status: answer.status, body: parsed(text), ms: performance.now() - begunAt }
    } catch {
      return { status: 0, body: undefined, ms: performance.now() - begunAt }
    }
  }
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
