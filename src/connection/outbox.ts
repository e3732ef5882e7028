import type { WebSocket } from 'ws'
import type { DropReason } from '../dialect/connection.js'
import { type Frame, frameOf, type FrameLike } from '../frame/bytes.js'
import { type CloseCode, closeCodes } from '../frame/close-codes.js'
import type { Sender } from '../state/contract.js'
import type { LabelCounter } from '../telemetry/counter.js'
import { limitAfterClose } from './close-grace.js'
import type { ConnectionHost } from './host.js'
import { SlowConsumer } from './slow-consumer.js'
import { SocketWriter } from './writer.js'

/** Whose outbox it is. */
export interface OutboxOwner {
  readonly host: ConnectionHost
  close (code: CloseCode): void
}

/** What one client is sent: bounded while it reads slowly, and counted. */
export class Outbox {
  readonly socket: WebSocket
  readonly #owner: OutboxOwner
  readonly #writer: SocketWriter
  /** While more than half of what may wait does. */
  #slow: SlowConsumer | undefined
  /** Counts frames by type, once the dialect is known. */
  counter: LabelCounter | undefined
  /** Frames that were handed to the socket. */
  sent = 0

  constructor (owner: OutboxOwner, socket: WebSocket) {
    this.#owner = owner
    this.socket = socket
    this.#writer = new SocketWriter(socket)
  }

  /** Bytes that wait for the client to read them. */
  get bufferedBytes (): number {
    return this.#writer.bufferedBytes
  }

  /** More than half of what may wait does: senders are held to their shares. */
  get isBehind (): boolean {
    return this.#slow !== undefined && this.#whyClosed === undefined
  }

  /** Why the socket takes no more frames; undefined while it does. */
  get #whyClosed (): DropReason | undefined {
    if (this.#slow?.isCut === true) return 'slow_consumer'
    return this.isClosing ? 'closing' : undefined
  }

  /** The socket takes no more frames, whoever closes it. */
  get isClosing (): boolean {
    return this.socket.readyState !== this.socket.OPEN
  }

  /** See `Connection.deliver`. */
  deliver (given: FrameLike, isBroadcast: boolean, from: Sender | undefined): boolean {
    const whyClosed = this.#whyClosed
    if (whyClosed !== undefined) return this.drop(whyClosed)
    const { host } = this.#owner
    const frame = frameOf(given)
    if (this.#writer.isBehind(host.limits.maxBuffered / 2) &&
      !this.#slowConsumer.hasRoomFor(frame.byteLength, from)) return this.drop('slow_consumer')
    this.#writer.write(frame, isBroadcast, host.batch())
    this.#count(frame)
    return true
  }

  /** See `Sink.deliverList`. */
  deliverList (room: string, given: FrameLike, isOutdated: () => boolean): boolean {
    const whyClosed = this.#whyClosed
    if (whyClosed !== undefined) return this.drop(whyClosed)
    if (this.#writer.isListWaiting) {
      this.#writer.holdList(room, () => isOutdated() || this.deliverList(room, given, isOutdated))
      return true
    }
    const list = frameOf(given)
    this.#writer.writeList(room, list, this.#owner.host.batch())
    this.#count(list)
    return true
  }

  drop (why: DropReason): false {
    this.#owner.host.counters.dropped.inc(why)
    return false
  }

  /** Sends a ping, whose payload is the byte `mark` if there is one. */
  ping (mark?: number): void {
    this.#writer.ping(mark)
  }

  /** See `SocketWriter.watch`. */
  watch (): () => boolean {
    return this.#writer.watch()
  }

  #count ({ type }: Frame): void {
    this.sent++
    this.counter?.inc(type)
  }

  get #slowConsumer (): SlowConsumer {
    this.#slow ??= new SlowConsumer(this.#writer, this.#owner.host, {
      onCaughtUp: () => { this.#slow = undefined },
      close: () => this.#owner.close(closeCodes.slowConsumer)
    })
    return this.#slow
  }

  /** Closes the socket, behind everything that it was sent. */
  close (code: number, reason: string): void {
    this.#writer.flush()
    this.socket.close(code, reason)
    // A paused socket would not read the client's answer.
    this.socket.resume()
    limitAfterClose(this.socket, this.#owner.host.timers)
  }

  /** The connection is over. */
  end (): void {
    this.#slow?.end()
  }
}
