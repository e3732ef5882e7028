import {
  type Connection, Frame, type FrameLike, type Member, payloadOf, type Sender, type Sink
} from '../../src/kit.js'
import { type Role, encode } from './schema.js'

/** A call between a producer and a consumer, as one of the two has it. */
export interface Session {
  readonly id: string
  readonly other: string
  readonly isProducer: boolean
}

/** What nodes say to each other about sessions. Clients never see it. */
export type Internal =
  | { readonly type: 'request', readonly from: string, readonly roles: readonly Role[], readonly offer: string | null }
  | { readonly type: 'end', readonly sessionId: string, readonly error: string | null }

/** The most sessions that one peer may have asked for, and been asked for, when it asks for another. */
const maxSessions = 1024

const internalHead = '{"internal":'

export const encodeInternal = (message: Internal): Frame => new Frame(message.type, `${internalHead}${JSON.stringify(message)}}`)

const beginnings = ['{"type":"sessionStarted"', '{"type":"startSession"']

/** One peer of this node: its status, its sessions, and the sink that its frames from other peers go through. */
export class GstClient implements Sink {
  readonly id: string
  readonly connection: Connection
  readonly sessions = new Map<string, Session>()
  readonly #onInternal: (client: GstClient, message: Internal) => boolean
  readonly #onSession: (client: GstClient, session: Session) => void
  /** Undefined until it has told its status. */
  status: string | undefined
  roles: readonly Role[] = []
  member: Member | undefined
  hasSpoken = false
  hasVersion11 = false

  constructor (
    id: string,
    connection: Connection,
    { onInternal, onSession }: {
      onInternal: (client: GstClient, message: Internal) => boolean
      onSession: (client: GstClient, session: Session) => void
    }
  ) {
    this.id = id
    this.connection = connection
    this.#onInternal = onInternal
    this.#onSession = onSession
  }

  /** Takes what other nodes say, and notes the sessions that begin. All else is the client's. */
  deliver (frame: FrameLike, isForMany?: boolean, from?: Sender): boolean {
    const payload = payloadOf(frame)
    const begins = (head: string): boolean => typeof payload === 'string'
      ? payload.startsWith(head)
      : payload.subarray(0, head.length).toString('latin1') === head
    if (begins(internalHead)) return this.#onInternal(this, (JSON.parse(String(payload)) as { internal: Internal }).internal)
    if (!this.connection.deliver(frame, isForMany, from)) return false
    if (beginnings.some(begins)) {
      const { type, peerId, sessionId } = JSON.parse(String(payload)) as { type: string, peerId: string, sessionId: string }
      this.#onSession(this, { id: sessionId, other: peerId, isProducer: type === 'startSession' })
    }
    return true
  }

  /** What tells the client that a session is over. */
  end (sessionId: string, error: string | null): Frame {
    return encode(this.hasVersion11 ? { type: 'endSessionV1_1', sessionId, error } : { type: 'endSession', sessionId })
  }

  /** Whether it is in as many sessions as it may ask for. */
  get isFull (): boolean {
    return this.sessions.size >= maxSessions
  }

  get dialect (): string | undefined {
    return this.connection.dialect
  }

  get network (): string {
    return this.connection.network
  }

  get isBehind (): boolean {
    return this.connection.isBehind === true
  }

  get isClosing (): boolean {
    return this.connection.isClosing === true
  }

  get members (): readonly Member[] {
    return this.connection.members
  }

  get seenAt (): number {
    return this.connection.seenAt
  }

  isThere (): ReturnType<NonNullable<Sink['isThere']>> {
    return this.connection.isThere?.() ?? true
  }

  onJoin (member: Member, leaving: Member | undefined): void {
    this.connection.onJoin?.(member, leaving)
  }

  onLeave (member: Member): void {
    this.connection.onLeave?.(member)
  }

  close (code: number, reason?: string, by?: string): void {
    this.connection.close(code, reason, by)
  }
}
