/** A code that no WebSocket has: it is open, and does not answer. */
export const unanswered = 0

export interface Closed {
  readonly code: number
  readonly reason: string
}

/** Frames that a server of any dialect answers before it knows its client. */
const ping = JSON.stringify({ type: 'ping' })
const answerMs = 10_000

/** A WebSocket to the bare root, as a promise sees it. */
export class Socket {
  readonly #socket: WebSocket
  readonly opened: Promise<boolean>
  /** How it ended, without being closed by us. */
  readonly closed: Promise<Closed>

  /** The token goes into a subprotocol: a query would be in the logs of proxies. */
  constructor (url: string, token: string | undefined, ended: AbortSignal) {
    const socket = token === undefined ? new WebSocket(url) : new WebSocket(url, ['signalbox.jwt', token])
    this.#socket = socket
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
    })
    this.opened = new Promise((resolve) => {
      socket.addEventListener('open', () => resolve(true))
      socket.addEventListener('close', () => resolve(false))
    })
    ended.addEventListener('abort', () => socket.close())
  }

  /** The time until a ping was answered, in ms; or how the socket closed instead: with `unanswered` if it did not. */
  async ping (): Promise<number | Closed> {
    const begunAt = performance.now()
    const answered = new Promise<number>((resolve) => {
      this.#socket.addEventListener('message', () => resolve(performance.now() - begunAt), { once: true })
    })
    this.#socket.send(ping)
    return await Promise.race([answered, this.closed, silence(answerMs)])
  }

  close (): void {
    this.#socket.close()
  }
}

async function silence (ms: number): Promise<Closed> {
  return await new Promise((resolve) => setTimeout(() => resolve({ code: unanswered, reason: '' }), ms))
}
