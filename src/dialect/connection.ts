import type { Permit } from '../auth/permit.js'
import type { FrameLike, Member, Sender, Sink } from '../state/contract.js'
import type { RefusalReason } from '../telemetry/audit.js'
import type { MaybePromise } from '../timing/maybe-promise.js'

/** Why a frame was dropped: its receiver was going already, or read too slowly; or the mailbox was full. */
export type DropReason = 'closing' | 'slow_consumer' | 'mailbox_full'

/** One client's socket, as its dialect sees it. It is the sink of the client's memberships. */
export interface Connection extends Sink {
  /** The address of the client, as the proxies we trust report it. */
  readonly address: string
  /** The network of that address: a /64 of IPv6, or the address itself. */
  readonly network: string
  /** Who the client is and what it may do, by its latest token. */
  readonly may: Permit
  /** Where it is registered, in the order in which it came there. It leaves there by itself when it ends. */
  readonly members: readonly Member[]
  /**
   * Sends a frame. False when the socket does not take it: it is closing, or too many bytes wait for it. Then a sender is refused,
   * while the server's own frames close it.
   */
  deliver (frame: FrameLike, isForMany?: boolean, from?: Sender): boolean
  /** See `Sink.deliverList`. */
  deliverList (room: string, list: FrameLike, isOutdated: () => boolean): boolean
  /** Counts a frame that its receiver does not get, or that is not kept for it. */
  drop (why: DropReason): false
  /** Refuses what the client asked, in its dialect's form. The first 128 characters of `details` are told. */
  refuse (sentence: string, details?: string): void
  /**
   * Refuses what the client's token does not allow, as `refuse` does. Where a dialect has a last word for that, it ends the connection.
   */
  deny (details?: string): void
  /** Counts and records what the client was refused, beside what it is told. */
  noteRefusal (reason: RefusalReason, id?: string): void
  /**
   * Charges the client for what others are sent because of it, in bytes for each of them: one token of `MESSAGE_RATE` for each 16 KiB.
   * A frame counts as 1 KiB at least. Beyond its tokens the client is read more slowly.
   */
  charge (bytes: number, receivers?: number): void
  /**
   * Counts one of the dialect's own events, for `signalbox_dialect_events_total`.
   *
   * @throws TypeError for a name that is not in `counters` of the dialect
   */
  count (event: string): void
  /**
   * Calls `run` once, in `ms` milliseconds or up to 25 ms later, unless the connection ends before. Calls come between frames, also while
   * the promise of a handler is pending. An error that `run` throws is logged, and the connection stays. Answers how to cancel it.
   *
   * @throws RangeError for a negative or infinite number of ms
   */
  after (ms: number, run: () => MaybePromise<unknown>): () => void
  /** The same again and again, each time `ms` milliseconds after the last call is done. */
  every (ms: number, run: () => MaybePromise<unknown>): () => void
  /**
   * Ends the connection: it leaves its rooms now, the socket as soon as the client answers. `by` is the subject of who asked for it.
   *
   * @param code one of `closeCodes`, or one of the dialect's own, from 3000 to 4999
   * @param reason at most 123 bytes; by default that of the code in `closeCodes`, else none
   * @throws RangeError for any other code, and for a longer reason
   */
  close (code: number, reason?: string, by?: string): void
  /**
   * Last words, and the end: sends the frame, and closes as `close` does, by default without a reason. The audit trail records it as
   * `ended`, whatever the code: the dialect has it so.
   */
  end (frame: FrameLike, code: number, reason?: string): void
}
