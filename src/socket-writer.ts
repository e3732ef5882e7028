import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Corked, Turn } from './turn.js'
import type { Frame } from './wire.js'

/** A frame of its own that holds nothing: made once, it costs half of what ws takes. */
const ping = Buffer.from([0x89, 0])
const asText = { binary: false }
const openState = 1

/**
 * The way to one socket, past ws where it has no extensions: its `send` costs twice as much, and cannot hold frames until a turn
 * is over. Several are one system call then, and a relay costs a third less, a storm of joins two thirds. Frames for it alone are
 * in the socket already, so that no pong and no close of ws overtakes them; those for many are kept once for all of them.
 */
export class SocketWriter implements Corked {
  readonly #socket: WebSocket
  /** What is below it, for which ws has no public name. */
  readonly #transport: Duplex | undefined
  /** The turn at whose end it is told to let go. */
  #turn: Turn | undefined
  #isCorked = false
  /** Behind what is in the socket, it is to have the turn's frames for many from this number up to that. */
  #from = 0
  #to = 0

  constructor (socket: WebSocket) {
    this.#socket = socket
    this.#transport = socket.extensions === '' ? (socket as unknown as { _socket?: Duplex })._socket : undefined
  }

  /** Bytes that wait for the client to read them. */
  get bufferedBytes (): number {
    return this.#socket.bufferedAmount
  }

  /**
   * Holds the frames of a turn until it is over.
   *
   * @param turn the one that goes on
   */
  write (frame: Frame, isForMany: boolean, turn: Turn): void {
    const transport = this.#transport
    if (transport === undefined) return this.#socket.send(frame.payload, asText)
    if (this.#turn === undefined) {
      this.#turn = turn
      turn.cork(this)
    }
    if (isForMany) return this.#add(turn.numberOf(frame.encoded))
    this.flush()
    this.#cork()
    transport.write(frame.encoded)
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
    for (let number = from; number < to; number++) this.#transport?.write((this.#turn as Turn).frame(number))
  }

  #cork (): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#transport?.cork()
  }

  ping (): void {
    if (this.#transport === undefined) this.#socket.ping()
    else this.#transport.write(ping)
  }

  /** Lets go what was held since the turn began. */
  uncork (turn: Turn): void {
    const [from, to] = [this.#from, this.#to]
    this.#turn = undefined
    this.#from = this.#to = 0
    if (from !== to && this.#socket.readyState === openState) this.#transport?.write(turn.piece(from, to))
    if (!this.#isCorked) return
    this.#isCorked = false
    this.#transport?.uncork()
  }

  /** Whether so many bytes wait, or more: not counting those that are held only until the turn is over, which go now. */
  isBehind (maxBytes: number): boolean {
    const held = this.#turn?.bytes(this.#from, this.#to) ?? 0
    if (this.#socket.bufferedAmount + held <= maxBytes) return false
    this.flush()
    if (!this.#isCorked) return true
    this.#transport?.uncork()
    this.#transport?.cork()
    return this.#socket.bufferedAmount > maxBytes
  }
}
