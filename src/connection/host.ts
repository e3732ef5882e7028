import type { Identity, Permit } from '../auth/permit.js'
import type { Connection, DropReason } from '../dialect/connection.js'
import type { Handshake } from '../dialect/dialect.js'
import type { FrameBudget } from '../limits/frame-budget.js'
import type { LargeFrames } from '../limits/large-frames.js'
import type { TokenRate } from '../limits/token-bucket.js'
import type { Peers } from '../state/contract.js'
import type { Audit, AuditEvent, AuditRecord, RefusalReason } from '../telemetry/audit.js'
import type { LabelCounter } from '../telemetry/counter.js'
import type { Histogram } from '../telemetry/histogram.js'
import type { Log } from '../telemetry/log.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { Timers } from '../timing/timers.js'
import type { ClientEvents, EndRecord } from './events.js'
import type { WriteBatch } from './write-batch.js'

export interface ConnectionLimits {
  /** Bytes of a frame. */
  readonly maxPayload: number
  /** Bytes that may wait for a client to read them. */
  readonly maxBuffered: number
  /** Of a client's frames. */
  readonly messageRate: TokenRate
  /** ms between pings; a socket that is silent for two intervals is closed. */
  readonly heartbeatMs: number
  /** How long a client has to answer when it is asked whether it is there, in ms. 0: it is not asked. */
  readonly idProbeMs: number
}

/** What a connection is from its first moment on. */
export interface ConnectionOptions {
  /** Tells it from the others of this node: the later, the higher. */
  readonly number: number
  readonly address: string
  readonly handshake: Handshake
  readonly permit: Permit
}

/** What a connection needs of the process it runs in. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits
  /** All times are read here. */
  readonly timers: Timers
  readonly log: Log
  readonly audit: Audit
  readonly events: ClientEvents
  readonly counters: ConnectionCounters
  readonly largeFrames: LargeFrames
  readonly frameBudget: FrameBudget
  /** The write batch of the current iteration of the event loop. */
  readonly batch: () => WriteBatch
  /** Takes a membership of a connection that has ended out of its room. */
  readonly leave: Peers['leave']
  /** The connection's socket has ended. */
  readonly onEnd: (connection: Connection) => void
  /** The server closes a connection. The audit trail's event follows from the code, unless it is given. */
  readonly onClose: (end: EndRecord, event?: AuditEvent) => void
  /** A client closes its connection. */
  readonly onLeave: (end: EndRecord) => void
  /** A client was refused what it is not allowed. */
  readonly refused: (reason: RefusalReason, who: Omit<AuditRecord, 'event' | 'reason'>) => void
  /** Checks a token, beside the certificate that the client came with; absent without a JWT key. */
  readonly verify?: (token: string, identity?: Identity) => MaybePromise<Permit | undefined>
}

/** Plain numbers of all connections, since the start. */
export interface ConnectionCounters {
  /** From a frame's arrival to the end of its handling, in seconds. */
  readonly handling: Histogram
  /** Sockets closed by the server, by code. */
  readonly closed: LabelCounter
  /** Sockets closed by clients, by code. */
  readonly left: LabelCounter
  /** Frames that did not reach a socket or a mailbox. */
  readonly dropped: LabelCounter<DropReason>
  readonly refused: LabelCounter<RefusalReason>
  /** Times a socket was paused because it was above its rate. */
  held: number
}
