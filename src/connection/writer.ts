import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Corked, WriteBatch } from './write-batch.js'
import type { Frame } from '../frame/bytes.js'

/** A frame of its own that holds nothing: made once, it costs half of what ws takes. */
const ping = Buffer.from([0x89, 0])
const asText = { binary: false }
const openState = 1

/** A socket, with what Node tells of the one below it. */
type Stream = Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null }

/**
 * The way to one socket, past ws where it has no extensions: its `send` costs twice as much, and cannot hold frames until a turn
 * is over. Several are one system call then, and a relay costs a third less, a storm of joins two thirds. Frames for it alone are
 * in the socket already, so that no pong and no close of ws overtakes them; those for many are kept once for all of them.
 */
export class SocketWriter implements Corked {
  readonly #socket: WebSocket
  /** What is below it, for which ws has no public name. */
  readonly #stream: Stream | undefined
  /** The same where frames are written to it. */
  readonly #transport: Stream | undefined
  /** The turn at whose end it is told to let go. */
  #turn: WriteBatch | undefined
  #isCorked = false
  /** Behind what is in the socket, it is to have the turn's frames for many from this number up to that. */
  #from = 0
  #to = 0
  /** Bytes that were written, and of these, where the last list begins and ends. */
  #written = 0
  #listFrom = 0
  #listTo = 0

  constructor (socket: WebSocket) {
    this.#socket = socket
    this.#stream = (socket as unknown as { _socket?: Stream })._socket
    this.#transport = socket.extensions === '' ? this.#stream : undefined
  }

  /** Bytes that wait for the client to read them. */
  get bufferedBytes (): number {
    return this.#socket.bufferedAmount
  }

  /** The same with what is held until the turn is over. */
  get #amount (): number {
    return this.#socket.bufferedAmount + (this.#turn?.bytes(this.#from, this.#to) ?? 0)
  }

  /** The same without the list that waits, which is none of a sender's. */
  get waiting (): number {
    const amount = this.#amount
    const ofList = this.#listTo - Math.max(this.#listFrom, this.#written - amount)
    return ofList > 0 ? amount - ofList : amount
  }

  /** Bytes that were written so far. */
  get written (): number {
    return this.#written
  }

  /** Of these, how many do not wait any more. */
  get gone (): number {
    return this.#written - this.#amount
  }

  /** Grows while the client reads, also within a large frame. */
  get progress (): number {
    // What is being written is still counted as a whole by the stream; Node looks here as well to tell whether a socket is idle.
    return this.gone - (this.#stream?._handle?.writeQueueSize ?? 0)
  }

  /** A list was written, and the client has not read up to its end: the next one is to wait for `onDrained`. */
  get isListWaiting (): boolean {
    return this.#listTo > this.gone && this.#stream?.writableNeedDrain === true
  }

  /** Calls back once nothing waits. */
  onDrained (run: () => void): void {
    this.#stream?.once('drain', run)
  }

  /**
   * Holds the frames of a turn until it is over.
   *
   * @param turn the one that goes on
   */
  write (frame: Frame, isForMany: boolean, turn: WriteBatch): void {
    const transport = this.#transport
    if (transport === undefined) {
      this.#written += frame.byteLength
      return this.#socket.send(frame.payload, asText)
    }
    const bytes = frame.encoded
    this.#written += bytes.length
    if (this.#turn === undefined) {
      this.#turn = turn
      turn.cork(this)
    }
    if (isForMany) return this.#add(turn.add(bytes))
    this.flush()
    this.#cork()
    transport.write(bytes)
  }

  /** The same for a list. */
  writeList (frame: Frame, turn: WriteBatch): void {
    this.#listFrom = this.#written
    this.write(frame, true, turn)
    this.#listTo = this.#written
  }

  #add (number: number): void {
    if (number !== this.#to) {
      this.flush()
      this.#from = number
    }
    this.#to = number + 1
  }

  /** Puts into the socket what others would overtake there. */
  flush (): void {
    const [from, to] = [this.#from, this.#to]
    this.#from = this.#to = 0
    if (from === to) return
    this.#cork()
    for (let number = from; number < to; number++) this.#transport?.write((this.#turn as WriteBatch).frame(number))
  }

  #cork (): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#transport?.cork()
  }

  ping (): void {
    if (this.#transport === undefined) return this.#socket.ping()
    this.#written += ping.length
    this.#transport.write(ping)
  }

  /** Lets go what was held since the turn began. */
  uncork (turn: WriteBatch): void {
    const [from, to] = [this.#from, this.#to]
    this.#turn = undefined
    this.#from = this.#to = 0
    if (from !== to && this.#socket.readyState === openState) this.#transport?.write(turn.slice(from, to))
    if (!this.#isCorked) return
    this.#isCorked = false
    this.#transport?.uncork()
  }

  /** Whether more bytes wait: not counting those that are held only until the turn is over, which go now. */
  isBehind (maxBytes: number): boolean {
    if (this.#amount <= maxBytes || this.waiting <= maxBytes) return false
    this.flush()
    if (!this.#isCorked) return true
    this.#transport?.uncork()
    this.#transport?.cork()
    return this.waiting > maxBytes
  }
}
