import { WebSocket, type ClientOptions } from 'ws'
import type { ClientDialect, Frame } from '../../../testing/dialect.js'
import { patienceMs } from '../http.js'

/** How a conversation ended before it should, in words. */
export class TalkError extends Error {
  /** The close code of the socket. Undefined where it is still open, or never was. */
  readonly code: number | undefined

  constructor (message: string, code?: number) {
    super(message)
    this.code = code
  }
}

/** Characters of a frame that a message quotes. */
const maxQuoted = 200

/** A peer of some dialect. */
export class Peer {
  readonly socket: WebSocket
  readonly dialect: ClientDialect
  id: string
  place: string | undefined
  readonly #frames: Frame[] = []
  #wake = (): void => {}
  #closed: { code: number, reason: string } | undefined

  private constructor (socket: WebSocket, dialect: ClientDialect, id: string, place: string | undefined) {
    this.socket = socket
    this.dialect = dialect
    this.id = id
    this.place = place
    socket.on('message', (data) => {
      try {
        this.#frames.push(JSON.parse(String(data)) as Frame)
      } catch {
        // Not of any dialect.
      }
      this.#wake()
    })
    socket.on('close', (code, reason) => {
      this.#closed = { code, reason: String(reason) }
      this.#wake()
    })
    socket.on('error', () => {})
  }

  /**
   * Connects and registers.
   *
   * @throws TalkError where it is not let in, with what came instead
   */
  static async enter (
    base: string,
    dialect: ClientDialect,
    { id, place, token, options = {} }: { id: string, place?: string | undefined, token?: string | undefined, options?: ClientOptions }
  ): Promise<Peer> {
    const headers = { ...options.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) }
    const path = dialect.path(id, token)
    const socket = new WebSocket(base.replace(/^http/, 'ws') + path, { ...options, headers, handshakeTimeout: patienceMs })
    const peer = new Peer(socket, dialect, id, place)
    try {
      await opened(socket)
      for (const frame of dialect.registration(id, place)) peer.send(frame)
      const welcome = await peer.next((frame) => dialect.welcome(frame, id) !== undefined, 'no answer to the registration')
      const assigned = dialect.welcome(welcome, id)
      peer.id = assigned?.id ?? id
      peer.place = place ?? assigned?.place
      return peer
    } catch (error) {
      socket.terminate()
      throw error
    }
  }

  send (frame: Frame): void {
    this.socket.send(JSON.stringify(frame))
  }

  /**
   * Sends a signal to another, and waits until it is there.
   *
   * @returns how long it took, in ms
   * @throws TalkError where it does not come
   */
  async signal (to: Peer): Promise<number> {
    const load = `${this.id} to ${to.id} at ${performance.now()}`
    const sentAt = performance.now()
    this.send(this.dialect.offer(this.id, to.id, load, { place: this.place }))
    await to.next((frame) => this.dialect.received(frame)?.load === load, 'the frame does not arrive')
    return performance.now() - sentAt
  }

  /** The next frame that fits. What came before it is dropped. */
  async next (fits: (frame: Frame) => boolean, otherwise: string): Promise<Frame> {
    const deadline = performance.now() + patienceMs
    let last: Frame | undefined
    while (true) {
      for (let frame = this.#frames.shift(); frame !== undefined; frame = this.#frames.shift()) {
        if (fits(frame)) return frame
        last = frame
      }
      if (this.#closed !== undefined) {
        const { code, reason } = this.#closed
        throw new TalkError(`closed with ${code}${reason === '' ? '' : ` “${reason}”`}`, code)
      }
      const left = deadline - performance.now()
      const came = last === undefined ? '' : `; last came ${JSON.stringify(last).slice(0, maxQuoted)}`
      if (left <= 0) throw new TalkError(otherwise + came)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** How and when it is closed; undefined while it is open. */
  get closed (): { code: number, reason: string } | undefined {
    return this.#closed
  }

  leave (): void {
    this.socket.close(1000)
    // A server that does not answer must not keep the process.
    setTimeout(() => this.socket.terminate(), 1_000).unref()
  }
}

async function opened (socket: WebSocket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('error', (error) => reject(new TalkError(error.message)))
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      reject(new TalkError(`the handshake is answered ${response.statusCode}`))
    })
  })
}
