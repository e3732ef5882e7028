import { payloadOf, type Wire } from '../wire.js'
import type { Sent } from './contract.js'

/** What all frames in one message to a node begin with. Each is its header, of which every part ends in a line feed, and its bytes. */
export const framesMark = '["frames"]\n'
/** kind, room, to, from, bytes: no id and no room name holds a control character. */
const headerParts = 5
const lineFeed = 10

/** Handed over at once: the receiver's socket keeps all of the message while it keeps one frame of it. */
const maxBatchBytes = 65_536
/** As many bytes may be on their way that nobody waits for. Whoever comes later waits, and its socket is not read meanwhile. */
const maxUnawaitedBytes = 1_048_576

/** `frame` is for the peer `to`; `lost` tells it that its frame for `from` found nobody; `disconnect` ends its connection. */
export type FrameHeader = [kind: 'frame' | 'lost' | 'disconnect', room: string, to: string, from: string]

interface Letter {
  readonly header: string
  readonly frame: string | Buffer
  /** Told what became of it: undefined when Redis cannot be reached, or did not say. */
  readonly settle: (sent: Sent | undefined) => void
}

interface Batch {
  readonly room: string
  readonly letters: Letter[]
  bytes: number
}

/**
 * Frames for peers on other nodes: those of one turn of the event loop go to Redis in one script, which publishes to each
 * node once. They are handed over in the order they came, and before anything else that this node asks of Redis.
 */
export class Outbox {
  readonly #tagOf: (room: string) => string
  readonly #hand: (room: string, batch: Buffer) => Promise<Map<number, Sent> | undefined>
  readonly #onError: (error: unknown) => void
  readonly #batches = new Map<string, Batch>()
  #isDue = false
  #unawaitedBytes = 0

  /**
   * @param hand gives Redis letters for rooms with the tag of this one. Answers what became of those that were not sent, by
   *   their number, or undefined when Redis cannot be reached
   * @param onError told what `hand` or an `undeliverable` threw
   */
  constructor (tagOf: (room: string) => string, hand: (room: string, letters: Buffer) => Promise<Map<number, Sent> | undefined>, onError: (error: unknown) => void) {
    this.#tagOf = tagOf
    this.#hand = hand
    this.#onError = onError
  }

  /** Answers when Redis has, and undefined when it cannot be reached or did not say. */
  async ask (header: FrameHeader, wire: Wire): Promise<Sent | undefined> {
    const frame = payloadOf(wire)
    return await new Promise((resolve) => { this.#add(header, frame, Buffer.byteLength(frame), resolve) })
  }

  /** Answers at once while little is on its way, and tells `undeliverable` if it is not sent after all. */
  send (header: FrameHeader, wire: Wire, undeliverable: (to: string) => void): Sent | Promise<Sent | undefined> {
    const frame = payloadOf(wire)
    const bytes = Buffer.byteLength(frame)
    if (this.#unawaitedBytes + bytes > maxUnawaitedBytes) return this.ask(header, frame)
    this.#unawaitedBytes += bytes
    this.#add(header, frame, bytes, (sent) => {
      this.#unawaitedBytes -= bytes
      if (sent !== 'sent') undeliverable(header[2])
    })
    return 'sent'
  }

  /** Whether it gets there nobody needs to know. */
  tell (header: FrameHeader): void {
    this.#add(header, '', 0, () => {})
  }

  /** Hands over what has gathered. */
  flush (): void {
    this.#isDue = false
    for (const [tag, batch] of this.#batches) {
      this.#batches.delete(tag)
      this.#post(batch)
    }
  }

  #add ([kind, room, to, from]: FrameHeader, frame: string | Buffer, bytes: number, settle: Letter['settle']): void {
    const tag = this.#tagOf(room)
    let batch = this.#batches.get(tag)
    if (batch === undefined) {
      batch = { room, letters: [], bytes: 0 }
      this.#batches.set(tag, batch)
    }
    const header = `${kind}\n${room}\n${to}\n${from}\n${bytes}\n`
    batch.letters.push({ header, frame, settle })
    batch.bytes += Buffer.byteLength(header) + bytes
    if (batch.bytes >= maxBatchBytes) return this.flush()
    if (this.#isDue) return
    this.#isDue = true
    // After all sockets that can be read by now.
    setImmediate(() => { if (this.#isDue) this.flush() })
  }

  #post ({ room, letters, bytes }: Batch): void {
    const batch = Buffer.allocUnsafe(bytes)
    let at = 0
    for (const { header, frame } of letters) {
      at += batch.write(header, at)
      at += typeof frame === 'string' ? batch.write(frame, at) : frame.copy(batch, at)
    }
    const settleAll = (others?: Map<number, Sent>) => {
      for (const [number, { settle }] of letters.entries()) {
        try {
          settle(others === undefined ? undefined : others.get(number) ?? 'sent')
        } catch (error) {
          this.#onError(error)
        }
      }
    }
    this.#hand(room, batch).then(settleAll, (error: unknown) => {
      this.#onError(error)
      settleAll()
    })
  }
}

/** Takes a message of frames apart. False when it is none, from there on. */
export function unpack (message: Buffer, take: (header: FrameHeader, frame: Buffer) => void): boolean {
  let at = framesMark.length
  while (at < message.length) {
    let end = at
    for (let parts = 0; parts < headerParts; end++) {
      if (end >= message.length) return false
      if (message[end] === lineFeed) parts++
    }
    const [kind, room, to, from, bytes] = message.toString('utf8', at, end).split('\n') as [FrameHeader[0], string, string, string, string]
    at = end + Number(bytes)
    if (!(at <= message.length)) return false
    take([kind, room, to, from], message.subarray(end, at))
  }
  return true
}
