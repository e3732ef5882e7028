import { isUtf8 } from 'node:buffer'
import type { RawData, WebSocket } from 'ws'
import { type CloseCode, closeCodes, tooManyFrames } from '../frame/close-codes.js'
import type { Waiting } from '../limits/frame-budget.js'
import { largeBytes } from '../limits/large-frames.js'
import type { ConnectionHost } from './host.js'
import { ReadPause } from './read-pause.js'

/** A frame takes one token for each of these bytes that it begins: parsing and passing on cost by the byte. */
const bytesPerToken = 4096
/**
 * Up to here no frame is timed, which takes two system calls: the bound of its members makes none of them take more time for each token.
 */
const untimedBytes = 2 * bytesPerToken
/** What others are sent because of it takes one token for each of these bytes. */
const causedBytesPerToken = 16_384
/** Each of those frames counts as this many bytes at least: handing it over costs as much. */
const minCausedBytes = 1_024
/** ms of processor time that a token pays for: several times what frames of its size take, unless somebody has looked for worse. */
const msPerToken = 0.1
/** A socket that lacks no more tokens than this has sent little of late, and does not wait for those that have sent much. */
const littleTokens = 64

/** What a reader hands frames to: its connection. */
export interface FrameHandler {
  readonly host: ConnectionHost
  readonly socket: WebSocket
  readonly isClosed: boolean
  /** Handles one frame. What takes time is told to `SocketReader.waitFor`. */
  process (bytes: Buffer): void
  close (code: CloseCode, reason?: string): void
  /** The socket has ended, with this close code. */
  onEnd (code: number): void
  /** What was at work when the connection closed is done. */
  onDone (): void
}

/** What the next frame waits for: a handler, the check of a fresh token, or an iteration of the event loop that has time for it. */
type Obstacle = 'handler' | 'renewal' | 'iteration'

/** Reads one socket: its frames in order, one at a time, within its rate. */
export class SocketReader implements Waiting {
  readonly #handler: FrameHandler
  /** When all tokens of `MESSAGE_RATE` are there again. */
  #fullAt = 0
  #pause: ReadPause | undefined
  #obstacle: Obstacle | undefined
  /** Frames received while busy or paused. At most the rest of one read, since the socket is then paused. */
  #queue: Buffer[] | undefined
  /** The code with which the socket ended while frames from before wait for their turn. */
  #endedWith: number | undefined
  /** When a frame came last, in ms of the monotonic clock. */
  frameAt: number
  /** When a frame, a ping or a pong came last: whole ms, which take no memory of their own. */
  heardAt: number
  /** Frames that came. */
  received = 0
  /** Whether a pong answers a question of ours, while there is one: it costs its client nothing. */
  onAnswer: ((payload: Buffer) => boolean) | undefined

  constructor (handler: FrameHandler) {
    this.#handler = handler
    this.frameAt = handler.host.timers.now()
    this.heardAt = Math.floor(this.frameAt)
    const socket = handler.socket as Read
    socket[reader] = this
    socket.on('message', onMessage).on('ping', onControl).on('pong', onPong).on('close', onClose)
  }

  /** The next frame waits for a handler, a check or an iteration. */
  get isBlocked (): boolean {
    return this.#obstacle !== undefined
  }

  /** A handler is at work: it may be about to register the peer. */
  get isHandling (): boolean {
    return this.#obstacle === 'handler'
  }

  /** The socket is above its rate, and not read. */
  get isPaused (): boolean {
    return this.#pause?.isActive === true
  }

  onMessage (data: Buffer, isBinary: boolean): void {
    const handler = this.#handler
    if (handler.isClosed) return
    const { limits, timers } = handler.host
    const now = timers.now()
    this.hear(now)
    this.received++
    // Ours, unless the app around us has set up its sockets with another limit.
    if (data.length > limits.maxPayload) return handler.close(closeCodes.tooBig)
    // ws checks text only, and a frame that is passed on as text must be UTF-8 or its receiver breaks.
    if (isBinary && !isUtf8(data)) data = Buffer.alloc(0)
    if (this.isBlocked || this.isPaused || !this.#hasTime(now) || !this.#admit(now, data.length)) this.#wait(data)
    else this.#dispatch(data)
  }

  /** ws has answered a ping before it emits it, so control frames cannot be queued. They are charged, and delay the data behind them. */
  onControl (): void {
    const { isClosed, host: { limits: { messageRate }, timers } } = this.#handler
    const now = timers.now()
    this.heardAt = Math.floor(now)
    if (isClosed) return
    if (this.#pause === undefined || !this.isPaused) {
      this.#admit(now)
      return
    }
    this.#fullAt = messageRate.taken(this.#fullAt, now)
    if (!this.#pause.takeControlFrame(messageRate)) this.#handler.close(closeCodes.policy, tooManyFrames)
  }

  onPong (payload: Buffer): void {
    if (this.onAnswer?.(payload) === true) this.heardAt = Math.floor(this.#handler.host.timers.now())
    else this.onControl()
  }

  onClose (code: number): void {
    // Frames that it had sent before are not lost for having to wait.
    if (this.isBlocked && this.#queue !== undefined && !this.#handler.isClosed) this.#endedWith = code
    else this.#handler.onEnd(code)
  }

  hear (now: number): void {
    this.frameAt = now
    this.heardAt = Math.floor(now)
  }

  /** Takes tokens for what others are sent because of this socket. */
  chargeCaused (bytes: number, receivers: number): void {
    this.#charge(Math.floor(receivers * Math.max(bytes, minCausedBytes) / causedBytesPerToken))
  }

  /**
   * Hands over no other frame before the promise, which never rejects, is done. Nor is the client's goodbye read before: a client that has
   * heard the answer to it may come back at another node, and nothing that it says there overtakes what it said here.
   */
  waitFor (promise: Promise<void>, obstacle: 'handler' | 'renewal'): void {
    this.#obstacle = obstacle
    this.#handler.socket.pause()
    promise.finally(() => {
      this.#obstacle = undefined
      if (this.#handler.isClosed) this.#handler.onDone()
      this.#readOn()
    })
  }

  /** Queues a frame in front of all others: it cannot be handled yet. */
  putBack (bytes: Buffer): void {
    (this.#queue ??= []).unshift(bytes)
  }

  /** An iteration has come that has time for the next frame. */
  goOn (): void {
    this.#obstacle = undefined
    this.#readOn()
  }

  /** Goes on with what has waited, and with the end of the socket if that came meanwhile. */
  #readOn (): void {
    this.#processQueue()
    const code = this.#endedWith
    // What is above its rate by then is lost: it could keep the place of who has gone for long.
    if (code === undefined || this.isBlocked) return
    this.#endedWith = undefined
    this.#handler.onEnd(code)
  }

  /** Reads nothing more: the connection has closed. */
  end (): void {
    this.#queue = undefined
    this.#pause?.cancel(this.#handler.host.timers)
  }

  /**
   * Takes the tokens for a frame, or pauses the socket until there is one. A frame may take more tokens than there are: the next one
   * waits for longer.
   */
  #admit (now: number, bytes = 0): boolean {
    const { host, socket } = this.#handler
    const { limits: { messageRate }, timers, counters } = host
    if (messageRate.waitMs(this.#fullAt, now) === 0) {
      this.#fullAt = messageRate.taken(this.#fullAt, now, tokensOf(bytes))
      return true
    }
    counters.held++
    socket.pause()
    this.#pause ??= new ReadPause(now)
    const isShort = this.#pause.begin(timers, (now) => messageRate.waitMs(this.#fullAt, now), () => this.#processQueue())
    if (!isShort) this.#handler.close(closeCodes.policy, tooManyFrames)
    return false
  }

  /** Takes more tokens, a whole burst at most. */
  #charge (tokens: number): void {
    if (tokens <= 0) return
    const { limits: { messageRate }, timers } = this.#handler.host
    this.#fullAt = messageRate.taken(this.#fullAt, timers.now(), Math.min(tokens, messageRate.burst))
  }

  /** False when the iteration has no time for a frame of this socket: a later one goes on with the queue. */
  #hasTime (now: number): boolean {
    if (this.#obstacle === 'iteration') return false
    const { frameBudget, limits: { messageRate } } = this.#handler.host
    if (!frameBudget.isSpent(now) || messageRate.missing(this.#fullAt, now) <= littleTokens) return true
    this.#obstacle = 'iteration'
    frameBudget.wait(this)
    return false
  }

  #wait (bytes: Buffer): void {
    if (this.#handler.isClosed) return
    if (this.#queue === undefined) {
      this.#queue = []
      this.#handler.socket.pause()
    }
    this.#queue.push(bytes)
  }

  /** Handles the queue as far as tokens and handlers let it, and reads on once it is empty. */
  #processQueue (): void {
    const { host: { timers }, socket } = this.#handler
    while (!this.#handler.isClosed && !this.isBlocked && !this.isPaused) {
      const next = this.#queue?.[0]
      const now = timers.now()
      if (next === undefined) {
        this.#queue = undefined
        this.hear(now)
        socket.resume()
        return
      }
      if (!this.#hasTime(now) || !this.#admit(now, next.length)) return
      this.#queue?.shift()
      this.#dispatch(next)
    }
  }

  #dispatch (bytes: Buffer): void {
    if (bytes.length <= untimedBytes) return this.#handler.process(bytes)
    if (bytes.length <= largeBytes) return this.#processTimed(bytes)
    this.#obstacle = 'handler'
    this.#handler.socket.pause()
    this.#handler.host.largeFrames.enter(() => {
      this.#obstacle = undefined
      if (this.#handler.isClosed) this.#handler.onDone()
      else this.#processTimed(bytes)
      this.#readOn()
    })
  }

  /** Handles a frame, and charges it for the processor time that its size does not account for. */
  #processTimed (bytes: Buffer): void {
    const before = process.cpuUsage()
    this.#handler.process(bytes)
    const { user, system } = process.cpuUsage(before)
    this.#charge(Math.floor((user + system) / 1000 / msPerToken) - tokensOf(bytes.length))
  }
}

function tokensOf (bytes: number): number {
  return Math.max(1, Math.ceil(bytes / bytesPerToken))
}

const reader = Symbol('reader')

type Read = WebSocket & { [reader]: SocketReader }

// One function for all sockets: a closure each, for every event, would take as much memory as the rest of an idle connection.
function onMessage (this: WebSocket, data: RawData, isBinary: boolean): void {
  (this as Read)[reader].onMessage(data as Buffer, isBinary)
}

function onControl (this: WebSocket): void {
  (this as Read)[reader].onControl()
}

function onPong (this: WebSocket, payload: Buffer): void {
  (this as Read)[reader].onPong(payload)
}

function onClose (this: WebSocket, code: number): void {
  (this as Read)[reader].onClose(code)
}
