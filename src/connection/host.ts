import type { Audit, AuditRecord, RefusalReason } from '../telemetry/audit.js'
import type { Log } from '../telemetry/log.js'
import type { Identity, Permit } from '../auth/permit.js'
import type { Connection, DropReason } from '../dialect/connection.js'
import type { CloseCode } from '../frame/close-codes.js'
import type { FrameBudget } from '../limits/frame-budget.js'
import type { Histogram } from '../telemetry/histogram.js'
import type { LargeFrames } from '../limits/large-frames.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { LabelCounter } from '../telemetry/counter.js'
import type { TokenRate } from '../limits/token-bucket.js'
import type { Timers } from '../timing/timers.js'
import type { WriteBatch } from './write-batch.js'

export interface ConnectionLimits {
  /** Bytes in a frame. */
  readonly maxPayload: number
  /** Bytes that may wait for this socket. */
  readonly maxBuffered: number
  /** Of frames that come. */
  readonly messageRate: TokenRate
  /** ms between pings; silent for two of them, the socket is closed. */
  readonly heartbeatMs: number
}

/** What a connection needs of the process it runs in. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits
  readonly timers: Timers
  readonly log: Log
  readonly audit: Audit
  readonly counters: ConnectionCounters
  readonly largeFrames: LargeFrames
  readonly frameBudget: FrameBudget
  /** The turn of the event loop that goes on. */
  readonly batch: () => WriteBatch
  /** The connection's socket has ended. */
  readonly onEnd: (connection: Connection) => void
  /** The connection is closed by us. */
  readonly onClose: (code: CloseCode) => void
  /** A client was refused what it is not allowed. */
  readonly refused: (reason: RefusalReason, who: Omit<AuditRecord, 'event' | 'reason'>) => void
  /** Checks a token, beside the certificate that the client came with; absent without a JWT key. */
  readonly verify?: (token: string, identity?: Identity) => MaybePromise<Permit | undefined>
}

/** Plain numbers of all connections, since the start. */
export interface ConnectionCounters {
  /** From a frame's arrival to the end of its handling, in seconds. */
  readonly handling: Histogram
  /** Sockets closed, by code: by us, and by clients. */
  readonly closed: LabelCounter
  readonly left: LabelCounter
  /** Frames that did not reach a socket or a mailbox. */
  readonly dropped: LabelCounter<DropReason>
  /** What clients were refused. */
  readonly refused: LabelCounter<RefusalReason>
  /** Times a socket was over its rate and not read for a while. */
  held: number
}
