import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import type { Frame } from './dialect.js'
import { nodeInTurn } from './nodes.js'
import type { Scope } from './runner.js'
import { patienceMs } from './until.js'

/** What clients connect to: an app, a port of the loopback, or where something is reached, such as `https://localhost:1234/signal`. */
export type Reachable = FastifyInstance | number | string

/** Where an app, or a port, is reached: `http://127.0.0.1:1234`. */
export function urlOf (to: Reachable): string {
  if (typeof to === 'string') return to
  const port = typeof to === 'number' ? to : (to.server.address() as AddressInfo).port
  return `http://127.0.0.1:${port}`
}

/** How a socket closed: the close code, and the reason that came with it. */
export interface Closing {
  code: number
  reason: string
}

/** A client of any dialect: what it gets waits for `next`, in order. */
export class Client {
  /** For what the client has no method for, such as a ping. */
  readonly socket: WebSocket
  /** Settles when the socket has closed, whoever did it. */
  readonly closed: Promise<Closing>
  readonly #frames: Frame[] = []
  readonly #takers: Array<(frame: Frame | Closing) => void> = []
  #end: Closing | undefined

  constructor (socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Frame
      const taker = this.#takers.shift()
      if (taker === undefined) this.#frames.push(frame)
      else taker(frame)
    })
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#end = { code, reason: String(reason) }
        for (const taker of this.#takers.splice(0)) taker(this.#end)
        resolve(this.#end)
      })
    })
    socket.on('error', () => {})
  }

  /** Sends an object as JSON, and text or bytes as they are. */
  send (frame: unknown): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame))
  }

  /** The next frame. Throws when none comes, and when the socket closes instead. */
  async next (): Promise<Frame> {
    const waiting = this.#frames.shift()
    if (waiting !== undefined) return waiting
    if (this.#end !== undefined) throw new Error(`closed with ${this.#end.code} instead of a frame`)
    let timeout: NodeJS.Timeout | undefined
    const frame = await new Promise<Frame | Closing>((resolve, reject) => {
      this.#takers.push(resolve)
      timeout = setTimeout(() => reject(new Error('no frame came')), patienceMs)
    })
    clearTimeout(timeout)
    // What a taker gets is either the end itself or a frame.
    const { code } = this.#end as Closing | undefined ?? {}
    if (frame === this.#end) throw new Error(`closed with ${code} instead of a frame`)
    return frame as Frame
  }

  /** The next frame for which `fits` holds; those before it are dropped. */
  async nextThat (fits: (frame: Frame) => boolean): Promise<Frame> {
    while (true) {
      const frame = await this.next()
      if (fits(frame)) return frame
    }
  }

  /** The next frame of a type; those before it are dropped. */
  async nextOf (type: string): Promise<Frame> {
    return await this.nextThat((frame) => frame.type === type)
  }

  /** The frames that have come and that nobody took. Only what was sent before something that did come is surely in it. */
  taken (): Frame[] {
    return this.#frames.splice(0)
  }

  /** Closes, and waits until the server has answered. */
  async close (code?: number): Promise<Closing> {
    this.socket.close(code)
    return await this.closed
  }
}

/** Connects to a path such as `/tom`, and closes with the test. Throws when the upgrade is refused. */
export async function connect (t: Scope, to: Reachable, path: string, options: WebSocket.ClientOptions = {}): Promise<Client> {
  const client = begin(t, to, path, options)
  await once(client.socket, 'open')
  return client
}

/** The same without waiting for the upgrade. */
export function begin (t: Scope, to: Reachable, path: string, options: WebSocket.ClientOptions = {}): Client {
  const client = new Client(new WebSocket(urlOf(typeof to === 'object' ? nodeInTurn(to) : to).replace('http', 'ws') + path, options))
  t.after(() => client.socket.terminate())
  return client
}

/** An answer to an upgrade that was refused. */
export interface Refusal {
  status: number
  headers: NodeJS.Dict<string | string[]>
}

/** The server's answer to a refused upgrade. Throws when it is not refused. */
export async function refusal (t: Scope, to: Reachable, path: string, options: WebSocket.ClientOptions = {}): Promise<Refusal> {
  const { socket } = begin(t, to, path, options)
  return await new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
    })
    socket.on('open', () => reject(new Error('the upgrade was not refused')))
  })
}
