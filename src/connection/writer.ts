import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Frame } from '../frame/bytes.js'
import type { Corked, WriteBatch } from './write-batch.js'

/** A ping frame without a payload. Made once, it costs half of what ws takes for one. */
const ping = Buffer.from([0x89, 0])
const asText = { binary: false }
const openState = 1

/** A TCP or TLS socket, with what Node knows of its handle. */
type Stream = Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null }

/**
 * Writes frames to one socket, past ws where it has no extensions: `send` of ws costs twice as much, and cannot hold frames until the end
 * of an iteration of the event loop. Held frames are one system call, which takes a third off a relay and two thirds off a storm of joins.
 * Frames for this socket alone are in its buffer at once, so that no pong and no close of ws overtakes them; broadcast frames are
 * kept once for all sockets, in the batch.
 */
export class SocketWriter implements Corked {
  readonly socket: WebSocket
  /** The stream below, for which ws has no public name. */
  readonly #stream: Stream | undefined
  /** The same, where frames are written past ws. */
  readonly #transport: Stream | undefined
  /** The batch at whose end it is uncorked. */
  #batch: WriteBatch | undefined
  #isCorked = false
  /** Broadcast frames [from, to) of the batch that this socket must still write, after what is already in its buffer. */
  #from = 0
  #to = 0
  /** Bytes written so far, and where among them the last list begins and ends. */
  #written = 0
  #listFrom = 0
  #listTo = 0
  /** How the newest list of each room is written, while an earlier one still waits for the client to read. */
  #heldLists: Map<string, () => void> | undefined

  constructor (socket: WebSocket) {
    this.socket = socket
    this.#stream = (socket as unknown as { _socket?: Stream })._socket
    this.#transport = socket.extensions === '' ? this.#stream : undefined
  }

  /** Bytes that wait for the client to read them. */
  get bufferedBytes (): number {
    return this.socket.bufferedAmount
  }

  /** Bytes that wait, with those held for the end of the batch. */
  get #amount (): number {
    return this.socket.bufferedAmount + (this.#batch?.bytes(this.#from, this.#to) ?? 0)
  }

  /** The same without a waiting list, which counts in no sender's share. */
  get waiting (): number {
    const amount = this.#amount
    const ofList = this.#listTo - Math.max(this.#listFrom, this.#written - amount)
    return ofList > 0 ? amount - ofList : amount
  }

  /** Bytes written so far. */
  get written (): number {
    return this.#written
  }

  /** Bytes written so far that no longer wait. */
  get gone (): number {
    return this.#written - this.#amount
  }

  /** Grows while the client reads, also within a large frame. */
  get progress (): number {
    // The stream counts the chunk in flight as a whole. Node itself looks here to tell whether a socket is idle.
    return this.gone - (this.#stream?._handle?.writeQueueSize ?? 0)
  }

  /** Writes a frame; held until the end of the batch, the current one. */
  write (frame: Frame, isBroadcast: boolean, batch: WriteBatch): void {
    const transport = this.#transport
    if (transport === undefined) {
      this.#written += frame.byteLength
      return this.socket.send(frame.payload, asText)
    }
    const bytes = frame.encoded
    this.#written += bytes.length
    if (this.#batch === undefined) {
      this.#batch = batch
      batch.cork(this)
    }
    if (isBroadcast) return this.#add(batch.add(bytes))
    this.flush()
    this.#cork()
    transport.write(bytes)
  }

  /** A list was written that the client has not read yet: the next one is to be held. */
  get isListWaiting (): boolean {
    return this.#listTo > this.gone && this.#stream?.writableNeedDrain === true
  }

  /** Calls `write` once nothing waits any more, unless there is a newer list of the room by then. */
  holdList (room: string, write: () => void): void {
    if (this.#heldLists === undefined) {
      this.#heldLists = new Map()
      this.#stream?.once('drain', () => this.#writeHeldLists())
    }
    this.#heldLists.set(room, write)
  }

  /** Writes the list of who is in a room. */
  writeList (room: string, frame: Frame, batch: WriteBatch): void {
    this.#heldLists?.delete(room)
    this.#listFrom = this.#written
    this.write(frame, true, batch)
    this.#listTo = this.#written
  }

  #writeHeldLists (): void {
    const lists = this.#heldLists
    this.#heldLists = undefined
    for (const write of lists?.values() ?? []) write()
  }

  #add (number: number): void {
    if (number !== this.#to) {
      this.flush()
      this.#from = number
    }
    this.#to = number + 1
  }

  /** Puts held broadcast frames into the socket's buffer, where something else would overtake them. */
  flush (): void {
    const [from, to] = [this.#from, this.#to]
    this.#from = this.#to = 0
    if (from === to) return
    this.#cork()
    for (let number = from; number < to; number++) this.#transport?.write((this.#batch as WriteBatch).frame(number))
  }

  #cork (): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#transport?.cork()
  }

  /** Sends a ping, whose payload is the byte `mark` if there is one. */
  ping (mark?: number): void {
    if (this.#transport === undefined) return this.socket.ping(mark === undefined ? undefined : Buffer.of(mark))
    const frame = mark === undefined ? ping : Buffer.of(0x89, 1, mark)
    this.#written += frame.length
    this.#transport.write(frame)
  }

  /**
   * Answers a function that says whether the client's host has shown since that it is there: bytes have come, or it has made room for
   * bytes that the system did not take because earlier ones waited.
   */
  watch (): () => boolean {
    const stream = this.#stream
    const received = stream?.bytesRead ?? 0
    const progress = (stream?.writableLength ?? 0) > 0 ? this.progress : Infinity
    return () => (stream?.bytesRead ?? 0) > received || this.progress > progress
  }

  /** Writes what is held: the batch has ended. */
  uncork (batch: WriteBatch): void {
    const [from, to] = [this.#from, this.#to]
    this.#batch = undefined
    this.#from = this.#to = 0
    if (from !== to && this.socket.readyState === openState) this.#transport?.write(batch.slice(from, to))
    if (!this.#isCorked) return
    this.#isCorked = false
    this.#transport?.uncork()
  }

  /** Whether more bytes wait. Those that are held only for the end of the batch are written first, and do not count. */
  isBehind (maxBytes: number): boolean {
    if (this.#amount <= maxBytes || this.waiting <= maxBytes) return false
    this.flush()
    if (!this.#isCorked) return true
    this.#transport?.uncork()
    this.#transport?.cork()
    return this.waiting > maxBytes
  }
}
