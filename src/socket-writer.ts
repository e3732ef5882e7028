import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Wire } from './state/contract.js'
import { framed } from './wire.js'

/** A frame of its own that holds nothing: made once, it costs half of what ws takes. */
const ping = Buffer.from([0x89, 0])
const asText = { binary: false }

/** A turn of the event loop, within which the frames for one socket are gathered. */
export interface Turn {
  /** No two have the same. */
  number: number
  /** What holds what is written to it until it is told to `uncork`, when it is over. */
  corked: Array<{ uncork: () => void }>
}

/** The way to one socket, past ws where it has no extensions: its `send` costs twice as much, and cannot hold frames until a turn is over. */
export class SocketWriter {
  readonly #socket: WebSocket
  /** What is below it, for which ws has no public name. */
  readonly #transport: Duplex | undefined
  readonly #turn: () => Turn
  #isCorked = false
  /** The latest turn in which it had a frame, and whether it had several in that. */
  #writtenIn = 0
  #hadSeveral = false

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

  /**
   * Holds the frames of a turn until it is over: many are one system call then, and a relay costs a third less. A frame that many
   * sockets are given is written at once, unless this one had several in its last turn: a single one would not pay for being held.
   */
  write (frame: Wire, isForMany: boolean): void {
    const transport = this.#transport
    if (transport === undefined) return this.#socket.send(frame, asText)
    const turn = this.#turn()
    if (this.#isCorked) {
      this.#hadSeveral = true
    } else if (!isForMany || this.#hadSeveral || this.#writtenIn === turn.number) {
      this.#hadSeveral = this.#writtenIn === turn.number
      this.#isCorked = true
      transport.cork()
      turn.corked.push(this)
    }
    this.#writtenIn = turn.number
    transport.write(framed(frame))
  }

  ping (): void {
    if (this.#transport === undefined) this.#socket.ping()
    else this.#transport.write(ping)
  }

  /** Lets go what was held since the turn began. */
  uncork (): void {
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
