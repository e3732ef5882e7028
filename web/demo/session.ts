import { type DialectInfo, place } from '../shared/server.js'
import { type FrameView, viewOf } from './frame.js'
import { watch } from './sockets.js'
import { startTalk, type Talk } from './talk.js'
import { badToken, cameraTrouble, closeOf, goneAway, noPath, notSecure, refusalOf, type Trouble, unreachable } from './words.js'

export type Phase = 'starting' | 'waiting' | 'connecting' | 'connected' | 'gone' | 'stopped'

interface At {
  readonly key: number
  /** In ms since the session began. */
  readonly at: number
}

export interface FrameRow extends At {
  readonly frame: FrameView
  readonly isSent: boolean
}

/** A row of the diagram: a frame, or something between frames. */
export type Row = FrameRow | (At & { readonly note: string })

export interface Said {
  readonly isOwn: boolean
  readonly text: string
}

/** All that the page shows of its call. */
export interface Shown {
  readonly phase: Phase
  /** What others meet this page with, once it is known. */
  readonly meet?: string | undefined
  readonly trouble?: Trouble | undefined
  /** Whether the other has left an offer without an answer for long. */
  readonly isSlow: boolean
  readonly hasSignaling: boolean
  readonly connection?: RTCPeerConnection | undefined
  readonly remote?: MediaStream | undefined
  readonly own?: MediaStream | undefined
  readonly rows: readonly Row[]
  readonly texts: readonly Said[]
}

export interface Wish {
  /** What this page speaks. */
  readonly dialect: DialectInfo
  /** Whether it shows, or sees, a camera of another dialect. */
  readonly isBridged: boolean
  /** Whom or where to meet. Absent: this page waits for another. */
  readonly meet: string | undefined
  readonly token: string | undefined
}

const slowMs = 10_000
/** A page that is open for days. */
const maxRows = 500
const begin: Shown = { phase: 'starting', isSlow: false, hasSignaling: false, rows: [], texts: [] }

/** One attempt to meet another page. It tells all that is to be shown whenever that changes, until it is closed. */
export class Session {
  #shown = begin
  #talk: Talk | undefined
  #isClosed = false
  #slow: ReturnType<typeof setTimeout> | undefined
  #keys = 0
  readonly #startedAt = performance.now()

  constructor (private readonly wish: Wish, private readonly tell: (shown: Shown) => void) {
    tell(begin)
    this.#start()
  }

  say (text: string): void {
    this.#talk?.say(text)
    this.#show({ texts: [...this.#shown.texts, { isOwn: true, text }] })
  }

  showCamera (own: MediaStream): void {
    if (this.#shown.phase !== 'connected') return stop(own)
    this.#talk?.show(own)
    this.#show({ own })
  }

  hideCamera (): void {
    this.#talk?.hide()
    stop(this.#shown.own)
    this.#show({ own: undefined })
  }

  close (): void {
    this.#isClosed = true
    clearTimeout(this.#slow)
    stop(this.#shown.own)
    this.#talk?.close()
  }

  async #start (): Promise<void> {
    const { dialect, isBridged, meet, token } = this.wish
    // It answers with its tracks: another offer would be another call.
    if (isBridged && meet === undefined && !await this.#film()) return
    const iceServers = await this.#iceServers()
    if (iceServers === undefined || this.#isClosed) return
    watch({
      opened: (url) => {
        this.#show({ hasSignaling: true })
        this.#note(`WebSocket opened at ${new URL(url).pathname}`)
      },
      frame: (isSent, data) => this.#add({ frame: viewOf(data), isSent }),
      closed: async (code, reason) => await this.#lose(code, reason)
    })
    const url = place.ws + dialect.url
    this.#talk = await startTalk(dialect.name, { url, meet, token, isBridged, own: this.#shown.own, configuration: { iceServers } }, {
      ready: (meet) => this.#show({ phase: 'waiting', meet }),
      call: (connection) => {
        this.#show({ phase: 'connecting', connection, trouble: undefined, isSlow: false })
        clearTimeout(this.#slow)
        this.#slow = setTimeout(() => this.#show({ isSlow: true }), slowMs)
      },
      opened: () => {
        clearTimeout(this.#slow)
        this.#show({ phase: 'connected', isSlow: false })
        this.#note('Connected: the pages talk to each other directly')
      },
      text: (text) => this.#show({ texts: [...this.#shown.texts, { isOwn: false, text }] }),
      picture: (remote) => this.#show({ remote }),
      ended: () => this.#end(),
      refused: (message) => this.#refuse(message)
    })
    if (this.#isClosed) this.#talk.close()
  }

  /** False when there is no camera, which the page then says. */
  async #film (): Promise<boolean> {
    try {
      const media = navigator.mediaDevices as MediaDevices | undefined
      if (media === undefined) throw new Error(notSecure)
      const own = await media.getUserMedia({ video: true })
      if (this.#isClosed) stop(own)
      else this.#show({ own })
      return !this.#isClosed
    } catch (error) {
      this.#stop({ what: 'This page has no camera.', todo: cameraTrouble(error) })
      return false
    }
  }

  async #iceServers (): Promise<RTCIceServer[] | undefined> {
    const { token } = this.wish
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    try {
      const answer = await fetch('./ice-servers', { headers })
      if (answer.ok) return (await answer.json() as { iceServers: RTCIceServer[] }).iceServers
      this.#stop(answer.status === 401
        ? badToken
        : { what: `The server answered ${answer.status} to GET ./ice-servers.`, todo: 'Connect again in a moment.' })
    } catch {
      this.#stop(unreachable)
    }
  }

  #refuse (message: string): void {
    const { phase } = this.#shown
    // It may be about candidates for somebody who has just left.
    if (['connected', 'gone', 'stopped'].includes(phase) || socketErrors.includes(message)) return
    const trouble = refusalOf(message)
    if (trouble === goneAway && this.wish.meet === undefined) this.#show({ phase: 'gone', isSlow: false })
    else this.#stop(trouble)
  }

  /** The call is over. Who made the link can be called again. */
  #end (): void {
    clearTimeout(this.#slow)
    const hasFailed = this.#shown.phase === 'connecting'
    const { isBridged } = this.wish
    // A camera between dialects stays on for whoever calls next.
    if (!isBridged) stop(this.#shown.own)
    this.#show({ ...(!isBridged && { own: undefined }), remote: undefined, isSlow: false })
    if (hasFailed) this.#stop(noPath)
    else if (this.#shown.hasSignaling) this.#show({ phase: 'gone' })
    else this.#stop(unreachable)
  }

  async #lose (code: number, reason: string): Promise<void> {
    if (this.#isClosed) return
    this.#note(`WebSocket closed with ${code}${reason && `: ${reason}`}`)
    this.#show({ hasSignaling: false })
    // A call goes on without its signaling, and a known trouble is not made clearer by the end that follows it.
    if (['connected', 'stopped'].includes(this.#shown.phase)) return
    const isThere = await fetch('./health').then(({ ok }) => ok, () => false)
    this.#stop(closeOf(code, reason, isThere))
  }

  #stop (trouble: Trouble): void {
    clearTimeout(this.#slow)
    this.#show({ phase: 'stopped', trouble })
  }

  #note (note: string): void {
    this.#add({ note })
  }

  #add (row: { frame: FrameView, isSent: boolean } | { note: string }): void {
    const added: Row = { key: this.#keys++, at: performance.now() - this.#startedAt, ...row }
    this.#show({ rows: [...this.#shown.rows, added].slice(-maxRows) })
  }

  #show (change: Partial<Shown>): void {
    if (this.#isClosed) return
    this.#shown = { ...this.#shown, ...change }
    this.tell(this.#shown)
  }
}

/** Types of errors of `peerjs`. The socket's end, which comes with each, says more. */
const socketErrors = ['socket-error', 'socket-closed', 'network', 'disconnected']

function stop (stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop()
}
