/** What a page's sockets do. */
export interface Watcher {
  readonly opened: (url: string) => void
  /** A frame went over the socket: to the server, if it `isSent`. */
  readonly frame: (isSent: boolean, data: string) => void
  readonly closed: (code: number, reason: string) => void | Promise<void>
}

let watcher: Watcher | undefined

/** From here on, `watcher` hears of the sockets that are made. Those before stay with theirs. */
export function watch (given: Watcher): void {
  watcher = given
}

/** Takes the place of the browser's own, so that libraries are watched too. */
globalThis.WebSocket = class extends WebSocket {
  readonly #watcher = watcher

  constructor (url: string | URL, protocols?: string | string[]) {
    super(url, protocols)
    this.addEventListener('open', () => this.#watcher?.opened(this.url))
    this.addEventListener('message', ({ data }) => this.#watcher?.frame(false, String(data)))
    this.addEventListener('close', ({ code, reason }) => this.#watcher?.closed(code, reason))
  }

  override send (data: Parameters<WebSocket['send']>[0]): void {
    super.send(data)
    this.#watcher?.frame(true, String(data))
  }
}
