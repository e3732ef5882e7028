import { type Frame, frameOf, type FrameLike } from '../../frame/bytes.js'
import type { UndeliverableReason } from '../contract.js'
import { headOf, type LetterHead } from './messages.js'
import type { LetterOutcome } from './scripts/relay.js'

/** A batch is flushed at this size: a receiver's socket retains the whole message while it retains one frame of it. */
const maxBatchBytes = 65_536
/** Bytes in flight before senders have to wait. The socket of a waiting sender is not read. */
const maxUnawaitedBytes = 1_048_576

interface Letter {
  /** The encoded head: kind, names and type. */
  readonly head: string
  readonly frame: Frame
  /** Called with the outcome: undefined when Redis cannot be reached or did not answer. */
  readonly done: (outcome: LetterOutcome | undefined) => void
}

/**
 * Sends letters for rooms that share the tag of `room`. Resolves to the outcomes of those that were not sent, by their position, or
 * to undefined when Redis cannot be reached.
 */
type HandOver = (room: string, letters: Buffer) => Promise<Map<number, LetterOutcome> | undefined>

type OnKept = (head: LetterHead, frame: Frame, batch: string) => void

interface Batch {
  readonly room: string
  readonly letters: Letter[]
  bytes: number
}

/**
 * Frames for peers on other nodes. One script call sends all frames of one turn of the event loop, and publishes to each node once.
 * Frames leave in the order they were added, and before any other command of this node.
 */
export class Outbox {
  readonly #tagOf: (room: string) => string
  readonly #handOver: HandOver
  readonly #onKept: OnKept
  readonly #onError: (error: unknown) => void
  readonly #batches = new Map<string, Batch>()
  #isDue = false
  #unawaitedBytes = 0

  /**
   * @param onKept called for a frame that was `sent` at once, and is kept
   * @param onError called with what `handOver` or an `undeliverable` threw
   */
  constructor (tagOf: (room: string) => string, handOver: HandOver, onKept: OnKept, onError: (error: unknown) => void) {
    this.#tagOf = tagOf
    this.#handOver = handOver
    this.#onKept = onKept
    this.#onError = onError
  }

  /** Sends a frame and resolves to its outcome: undefined when Redis cannot be reached or did not answer. */
  async ask (head: LetterHead, wire: FrameLike): Promise<LetterOutcome | undefined> {
    const frame = frameOf(wire)
    return await new Promise((resolve) => { this.#add(head, frame, frame.byteLength, resolve) })
  }

  /**
   * Sends a frame. Returns `sent` at once while little is in flight, and calls `undeliverable` if the frame is neither sent nor kept after
   * all.
   */
  send (
    head: LetterHead, wire: FrameLike, undeliverable: (to: string, why: UndeliverableReason) => void
  ): 'sent' | Promise<LetterOutcome | undefined> {
    const frame = frameOf(wire)
    const { byteLength: bytes } = frame
    if (this.#unawaitedBytes + bytes > maxUnawaitedBytes) return this.ask(head, frame)
    this.#unawaitedBytes += bytes
    this.#add(head, frame, bytes, (sent) => {
      this.#unawaitedBytes -= bytes
      if (typeof sent === 'object') this.#onKept(head, frame, sent.batch)
      else if (sent !== 'sent') undeliverable(head[2], 'refused')
    })
    return 'sent'
  }

  /** Sends a letter without a body. Its outcome is ignored. */
  notify (head: LetterHead): void {
    this.#add(head, frameOf(''), 0, () => {})
  }

  /** Sends all collected batches. */
  flush (): void {
    this.#isDue = false
    for (const [tag, batch] of this.#batches) {
      this.#batches.delete(tag)
      this.#post(batch)
    }
  }

  #add (names: LetterHead, frame: Frame, bytes: number, done: Letter['done']): void {
    const [, room] = names
    const tag = this.#tagOf(room)
    let batch = this.#batches.get(tag)
    if (batch === undefined) {
      batch = { room, letters: [], bytes: 0 }
      this.#batches.set(tag, batch)
    }
    const head = headOf(names, frame.type, bytes)
    batch.letters.push({ head, frame, done })
    batch.bytes += Buffer.byteLength(head) + bytes
    if (batch.bytes >= maxBatchBytes) return this.flush()
    if (this.#isDue) return
    this.#isDue = true
    // Runs after all sockets that are readable now.
    setImmediate(() => { if (this.#isDue) this.flush() })
  }

  #post ({ room, letters, bytes }: Batch): void {
    const batch = Buffer.allocUnsafe(bytes)
    let at = 0
    for (const { head, frame: { payload } } of letters) {
      at += batch.write(head, at)
      at += typeof payload === 'string' ? batch.write(payload, at) : payload.copy(batch, at)
    }
    const allDone = (failures?: Map<number, LetterOutcome>) => {
      for (const [number, { done }] of letters.entries()) {
        try {
          done(failures === undefined ? undefined : failures.get(number) ?? 'sent')
        } catch (error) {
          this.#onError(error)
        }
      }
    }
    this.#handOver(room, batch).then(allDone, (error: unknown) => {
      this.#onError(error)
      allDone()
    })
  }
}
