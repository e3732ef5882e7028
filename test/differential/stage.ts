import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Test } from 'tap'
import { build, type Client, connect, type Env, type Frame, until, urlOf } from '../helper.js'

/** Settings of both servers, named as in the original. */
export interface Options {
  path?: string
  key?: string
  expire_timeout?: number
  alive_timeout?: number
  concurrent_limit?: number
  allow_discovery?: boolean
}

const settingOf: Record<keyof Options, string> = {
  path: 'PEERJS_PATH',
  key: 'PEERJS_KEY',
  expire_timeout: 'PEERJS_EXPIRE_TIMEOUT',
  alive_timeout: 'PEERJS_ALIVE_TIMEOUT',
  concurrent_limit: 'PEERJS_CONCURRENT_LIMIT',
  allow_discovery: 'PEERJS_ALLOW_DISCOVERY'
}

/** Starts a server for one conversation; answers its URL. */
export type Start = (t: Test, options: Options) => Promise<string>

export const signalbox: Start = async (t, options) => {
  const env: Env = {}
  for (const [name, value] of Object.entries(options)) env[settingOf[name as keyof Options]] = String(value)
  return urlOf(await build(t, env))
}

/** The original, which runs until the test ends. */
export function original (t: Test): Start {
  const worker = new Worker(new URL('original.js', import.meta.url), { execArgv: [] })
  t.teardown(async () => await worker.terminate())
  return async (_t, options) => {
    worker.postMessage(options)
    const [port] = await once(worker, 'message') as [number]
    return urlOf(port)
  }
}

interface Answer {
  path: string
  status: number
  type: string | null
  allowOrigin: string | null
  body: string
}

interface Closed {
  closed: number
}

/** The frames and answers that each client got, in order, by the client's name. */
export type Transcript = Record<string, Array<Frame | Closed | Answer>>

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** One conversation with one server. It records what each client gets. */
export class Stage {
  readonly #t: Test
  readonly #url: string
  readonly #peersUrl: string
  readonly #clients = new Map<string, Client>()
  readonly #transcript: Transcript = {}

  constructor (t: Test, url: string, { path = '', key = 'peerjs' }: Options) {
    this.#t = t
    this.#url = url
    this.#peersUrl = `${url}${path.replace(/\/$/, '')}/${key}/peers`
  }

  /** A client, by default named like its id. */
  async enter (id: string, { token = id, key = 'peerjs', as = id, base = '' } = {}): Promise<Client> {
    return await this.enterBy(as, `${base}/peerjs?${new URLSearchParams({ key, id, token }).toString()}`)
  }

  async enterBy (name: string, path: string): Promise<Client> {
    const client = await connect(this.#t, Number(new URL(this.#url).port), path)
    this.#clients.set(name, client)
    this.#transcript[name] = []
    await this.settle()
    return client
  }

  /**
   * Returns when everybody has got whatever comes of all that was sent so far. Pongs come in order with the frames before
   * them: after the first round the server has handled everything, after the second everybody has got it.
   */
  async settle (): Promise<void> {
    for (let round = 0; round < 2; round++) {
      await Promise.all([...this.#clients.values()].map(async ({ socket, closed }) => {
        if (socket.readyState !== socket.OPEN) return await closed
        const answered = new Promise((resolve) => socket.once('pong', resolve))
        socket.ping()
        return await Promise.race([answered, closed])
      }))
    }
  }

  /** Waits until the client has got one more frame, which only time brings. */
  async hears (name: string): Promise<void> {
    this.#transcript[name]?.push(await this.#client(name).next())
  }

  /** Closes, and waits until the server has noticed. Needs discovery. */
  async leaves (id: string): Promise<void> {
    await this.#client(id).close()
    await until(async () => !(await (await fetch(this.#peersUrl)).json() as string[]).includes(id))
  }

  async closed (name: string): Promise<void> {
    await this.#client(name).closed
  }

  async get (path: string): Promise<void> {
    const response = await fetch(this.#url + path, { headers: { origin: 'https://app.example.com' } })
    const body = (await response.text()).replace(uuid, '<uuid>')
    const { status, headers } = response
    ;(this.#transcript.http ??= []).push({
      path,
      status,
      type: headers.get('content-type'),
      allowOrigin: headers.get('access-control-allow-origin'),
      body
    })
  }

  async end (): Promise<Transcript> {
    await this.settle()
    for (const [name, client] of this.#clients) {
      this.#transcript[name]?.push(...client.taken())
      if (client.socket.readyState !== client.socket.OPEN) this.#transcript[name]?.push({ closed: (await client.closed).code })
    }
    return this.#transcript
  }

  #client (name: string): Client {
    const client = this.#clients.get(name)
    if (client === undefined) throw new Error(`nobody is named ${name}`)
    return client
  }
}
