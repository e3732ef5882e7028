import { Queue } from './queue.js'

export type Frame = Record<string, unknown> & { type: string }

/** A page's socket to the signaling. A frame goes to the listener of its type, else it waits for `next`. */
export class Signaling {
  readonly #socket: WebSocket
  readonly #listeners = new Map<string, (frame: Frame) => void>()
  readonly #queues = new Map<string, Queue<Frame>>()

  constructor (url: string) {
    this.#socket = new WebSocket(url)
    this.#socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
      const frame = JSON.parse(data) as Frame
      const listener = this.#listeners.get(frame.type)
      if (listener === undefined) this.#queueOf(frame.type).push(frame)
      else listener(frame)
    })
  }

  /** Sends a frame as JSON, once the socket is open. */
  send (frame: Frame): void {
    const send = () => this.#socket.send(JSON.stringify(frame))
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#socket.addEventListener('open', send, { once: true })
    else send()
  }

  /** Call it before the first frame of the type can come. */
  on (type: string, listener: (frame: Frame) => void): void {
    this.#listeners.set(type, listener)
  }

  /** The next frame of a type without a listener. */
  async next (type: string): Promise<Frame> {
    return await this.#queueOf(type).next(`a frame ${type}`)
  }

  #queueOf (type: string): Queue<Frame> {
    const queue = this.#queues.get(type) ?? new Queue<Frame>()
    this.#queues.set(type, queue)
    return queue
  }
}
