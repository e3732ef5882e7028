import { type Frame, frameOf, type FrameLike } from '../../frame/bytes.js'
import type { SendOutcome } from '../contract.js'
import { headOf, type LetterHead } from './messages.js'

/** Handed over at once: the receiver's socket keeps all of the message while it keeps one frame of it. */
const maxBatchBytes = 65_536
/** As many bytes may be on their way that nobody waits for. Whoever comes later waits, and its socket is not read meanwhile. */
const maxUnawaitedBytes = 1_048_576

interface Letter {
  /** With the letter's names. */
  readonly head: string
  readonly frame: Frame
  /** Told what became of it: undefined when Redis cannot be reached, or did not say. */
  readonly settle: (sent: SendOutcome | undefined) => void
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
  readonly #hand: (room: string, batch: Buffer) => Promise<Map<number, SendOutcome> | undefined>
  readonly #onError: (error: unknown) => void
  readonly #batches = new Map<string, Batch>()
  #isDue = false
  #unawaitedBytes = 0

  /**
   * @param hand gives Redis letters for rooms with the tag of this one. Answers what became of those that were not sent, by
   *   their number, or undefined when Redis cannot be reached
   * @param onError told what `hand` or an `undeliverable` threw
   */
  constructor (tagOf: (room: string) => string, hand: (room: string, letters: Buffer) => Promise<Map<number, SendOutcome> | undefined>, onError: (error: unknown) => void) {
    this.#tagOf = tagOf
    this.#hand = hand
    this.#onError = onError
  }

  /** Answers when Redis has, and undefined when it cannot be reached or did not say. */
  async ask (head: LetterHead, wire: FrameLike): Promise<SendOutcome | undefined> {
    const frame = frameOf(wire)
    return await new Promise((resolve) => { this.#add(head, frame, frame.byteLength, resolve) })
  }

  /** Answers at once while little is on its way, and tells `undeliverable` if it is not sent after all. */
  send (head: LetterHead, wire: FrameLike, undeliverable: (to: string) => void): SendOutcome | Promise<SendOutcome | undefined> {
    const frame = frameOf(wire)
    const { byteLength: bytes } = frame
    if (this.#unawaitedBytes + bytes > maxUnawaitedBytes) return this.ask(head, frame)
    this.#unawaitedBytes += bytes
    this.#add(head, frame, bytes, (sent) => {
      this.#unawaitedBytes -= bytes
      if (sent !== 'sent') undeliverable(head[2])
    })
    return 'sent'
  }

  /** Whether it gets there nobody needs to know. */
  tell (head: LetterHead): void {
    this.#add(head, frameOf(''), 0, () => {})
  }

  /** Hands over what has gathered. */
  flush (): void {
    this.#isDue = false
    for (const [tag, batch] of this.#batches) {
      this.#batches.delete(tag)
      this.#post(batch)
    }
  }

  #add (names: LetterHead, frame: Frame, bytes: number, settle: Letter['settle']): void {
    const [, room] = names
    const tag = this.#tagOf(room)
    let batch = this.#batches.get(tag)
    if (batch === undefined) {
      batch = { room, letters: [], bytes: 0 }
      this.#batches.set(tag, batch)
    }
    const head = headOf(names, frame.type, bytes)
    batch.letters.push({ head, frame, settle })
    batch.bytes += Buffer.byteLength(head) + bytes
    if (batch.bytes >= maxBatchBytes) return this.flush()
    if (this.#isDue) return
    this.#isDue = true
    // After all sockets that can be read by now.
    setImmediate(() => { if (this.#isDue) this.flush() })
  }

  #post ({ room, letters, bytes }: Batch): void {
    const batch = Buffer.allocUnsafe(bytes)
    let at = 0
    for (const { head, frame: { payload } } of letters) {
      at += batch.write(head, at)
      at += typeof payload === 'string' ? batch.write(payload, at) : payload.copy(batch, at)
    }
    const settleAll = (others?: Map<number, SendOutcome>) => {
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
