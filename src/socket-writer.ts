import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Wire } from './state/contract.js'
import type { Corked, Turn } from './turn.js'
import { framed } from './wire.js'

/** A frame of its own that holds nothing: made once, it costs half of what ws takes. */
const ping = Buffer.from([0x89, 0])
const asText = { binary: false }
const openState = 1

/**
 * The way to one socket, past ws where it has no extensions: its `send` costs twice as much, and cannot hold frames until a turn
 * is over. Many are one system call then, and a relay costs a third less.
 */
export class SocketWriter implements Corked {
  readonly #socket: WebSocket
  /** What is below it, for which ws has no public name. */
  readonly #transport: Duplex | undefined
  readonly #turn: () => Turn
  /** It is told when the turn is over. */
  #isHeld = false
  #isCorked = false
  /** The last frames that it is to have are these of the turn's frames for many. */
  #from = 0
  #to = 0

  /** @param turn the one that goes on */
  constructor (socket: WebSocket, turn: () => Turn) {
    this.#socket = socket
    this.#transport = socket.extensions === '' ? (socket as unknown as { _socket?: Duplex })._socket : undefined
    this.#turn = turn
  }

  /** Bytes that wait for the client to read them. */
  get bufferedBytes (): number {
    return this.#socket.bufferedAmount
  }

  /** Holds the frames of a turn until it is over. */
  write (frame: Wire, isForMany: boolean): void {
    const transport = this.#transport
    if (transport === undefined) return this.#socket.send(frame, asText)
    const turn = this.#turn()
    if (!this.#isHeld) {
      this.#isHeld = true
      turn.cork(this)
    }
    if (isForMany) return this.#add(turn.numberOf(framed(frame)))
    this.flush()
    this.#cork()
    transport.write(framed(frame))
  }

  #add (number: number): void {
    if (number !== this.#to) {
      this.flush()
      this.#from = number
    }
    this.#to = number + 1
  }

  /** Passes on the frames for many that it has not passed on yet, which those written past it would overtake. */
  flush (): void {
    const [from, to] = [this.#from, this.#to]
    this.#from = this.#to = 0
    if (from === to) return
    this.#cork()
    const turn = this.#turn()
    for (let number = from; number < to; number++) this.#transport?.write(turn.frame(number))
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
    this.#isHeld = false
    this.#from = this.#to = 0
    if (from !== to && this.#socket.readyState === openState) this.#transport?.write(turn.frames(from, to))
    if (!this.#isCorked) return
    this.#isCorked = false
    this.#transport?.uncork()
  }

  /** Whether so many bytes wait, or more: not counting those that are held only until the turn is over, which go now. */
  isBehind (maxBytes: number): boolean {
    if (this.#socket.bufferedAmount <= maxBytes) return false
    if (!this.#isCorked) return true
    this.#transport?.uncork()
    this.#transport?.cork()
    return this.#socket.bufferedAmount > maxBytes
  }
}
