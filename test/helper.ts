import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { readConfig } from '../src/config/read.js'
import type { DialectName } from '../src/config/schema.js'
import type { CloseCode } from '../src/frame/close-codes.js'
import { createService } from '../src/service.js'
import { freshDatabase } from './redis.js'

/** Settings as in the environment: text by name. */
export type Env = Record<string, string>

/** Limits that a test of something else should not meet. */
const generous: Env = { CONNECT_RATE: '1000000', MAX_EVENT_LOOP_DELAY: '60000', LOG_LEVEL: 'silent', HOST: '127.0.0.1' }

/** How often to ask over HTTP. In ms. */
export const askEveryMs = 25

/** How long to wait for what should come at once. In ms. */
const patienceMs = 10_000

/** Where the tests keep the state: in `memory`, on `redis`, or on Redis with two `nodes` between which clients alternate. */
const where = process.env.TEST_STATE ?? 'memory'

/** The nodes that clients of the first of them are spread over. */
const nodesOf = new WeakMap<FastifyInstance, FastifyInstance[]>()

/** The stock server on a free port of the loopback, closed with the test. */
export async function build (t: Test, env: Env = {}): Promise<FastifyInstance> {
  if (where === 'memory' || env.REDIS_URL !== undefined) return await listen(t, env)
  // Long enough for a process that is busy setting up six servers at once.
  const shared = { NODE_LEASE_MS: '5000', ...env, REDIS_URL: await freshDatabase() }
  const app = await listen(t, shared)
  if (where === 'nodes') nodesOf.set(app, [app, await listen(t, shared)])
  return app
}

/** The same, of a server that speaks one dialect alone: it is there in half the time. */
export function buildOnly (dialect: DialectName): typeof build {
  return async (t, env = {}) => await build(t, { DIALECTS: dialect, ...env })
}

async function listen (t: Test, env: Env): Promise<FastifyInstance> {
  const app = createService(readConfig({ ...generous, ...env }, []))
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  // As a load balancer does.
  await until(() => app.state.isReady)
  return app
}

/** Peers, open sockets, and sockets closed by the server with a code, over all nodes. */
export function totals (app: FastifyInstance): { peers: number, sockets: number, closed: (code: CloseCode) => number } {
  const nodes = nodesOf.get(app) ?? [app]
  const sum = (of: (node: FastifyInstance) => number) => nodes.reduce((total, node) => total + of(node), 0)
  return {
    peers: sum(({ state }) => state.size().peers),
    sockets: sum(({ signalbox }) => signalbox.connections.size),
    closed: (code) => sum(({ signalbox }) => signalbox.connections.counters.closed.get(String(code)) ?? 0)
  }
}

/** The node whose turn it is. */
function turn (app: FastifyInstance): FastifyInstance {
  const nodes = nodesOf.get(app) ?? [app]
  nodes.push(nodes.shift() as FastifyInstance)
  return nodes[0] as FastifyInstance
}

/** What clients connect to: an app, a port of the loopback, or where something is reached, such as `https://localhost:1234/signal`. */
export type Reachable = FastifyInstance | number | string

/** Where an app, or a port, is reached: `http://127.0.0.1:1234`. */
export function urlOf (to: Reachable): string {
  if (typeof to === 'string') return to
  const port = typeof to === 'number' ? to : (to.server.address() as AddressInfo).port
  return `http://127.0.0.1:${port}`
}

export type Frame = Record<string, unknown>

interface Closing {
  code: number
  reason: string
}

/** A client of any dialect: what it gets waits for `next`, in order. */
export class Client {
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
export async function connect (t: Test, to: Reachable, path: string, options: WebSocket.ClientOptions = {}): Promise<Client> {
  const client = begin(t, to, path, options)
  await once(client.socket, 'open')
  return client
}

/** The same without waiting for the upgrade. */
export function begin (t: Test, to: Reachable, path: string, options: WebSocket.ClientOptions = {}): Client {
  const client = new Client(new WebSocket(urlOf(typeof to === 'object' ? turn(to) : to).replace('http', 'ws') + path, options))
  t.teardown(() => client.socket.terminate())
  return client
}

interface Refusal {
  status: number
  headers: NodeJS.Dict<string | string[]>
}

/** The server's answer to a refused upgrade. */
export async function refusal (t: Test, to: Reachable, path: string, options: WebSocket.ClientOptions = {}): Promise<Refusal> {
  const { socket } = begin(t, to, path, options)
  return await new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
    })
    socket.on('open', () => reject(new Error('the upgrade was not refused')))
  })
}

/** Answers once `holds` does: for what shows in no frame. Throws when it never does. */
export async function until (holds: () => unknown): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (true) {
    const held = holds()
    if (await held) return
    if (performance.now() > deadline) throw new Error(`never held: ${String(holds)}`)
    // Who asks over HTTP asks no more often than a balancer may.
    if (held instanceof Promise) await delay(askEveryMs)
    else await new Promise((resolve) => setImmediate(resolve))
  }
}
