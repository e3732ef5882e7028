import { EventEmitter } from 'node:events'
import type { CallClient } from '../dialect/bridging.js'
import type { Member } from '../state/contract.js'
import type { AuditRecord } from '../telemetry/audit.js'

/** Who a connection was, and how it ended. */
export type EndRecord = Omit<AuditRecord, 'event'> & { readonly code: number }

/** A client's socket. */
export interface ConnectionEvent {
  /** Undefined while its first frame has not chosen one. */
  readonly dialect: string | undefined
  /** Of its token or certificate. Undefined without auth. */
  readonly subject: string | undefined
  readonly address: string
}

/** A client under an id. */
export interface PeerEvent extends ConnectionEvent {
  readonly dialect: string
  readonly room: string
  readonly id: string
}

/** The end of a connection, by either side. */
export interface CloseEvent extends ConnectionEvent {
  /** Its first id. Undefined if it had none. */
  readonly id: string | undefined
  readonly code: number
  readonly reason: string
}

/** What `app.signalbox.events` emits, about the clients of this node. */
export interface SignalboxEvents {
  /** A client was let in. */
  connect: [event: ConnectionEvent]
  /** A client has an id, in a room. Each `join` is followed by one `leave`. */
  join: [event: PeerEvent]
  /** A client has given up an id, has lost it to a newer connection, or has gone. */
  leave: [event: PeerEvent]
  /** A connection has ended. */
  close: [event: CloseEvent]
}

/** Tells listeners about the clients of this node. Where nobody listens, nothing is made. */
export class ClientEvents {
  readonly emitter = new EventEmitter<SignalboxEvents>()
  readonly #onError: (error: unknown) => void

  /** @param onError told what a listener threw, or its promise rejected with; the other listeners hear all the same */
  constructor (onError: (error: unknown) => void) {
    this.#onError = onError
    this.emitter.setMaxListeners(Infinity)
  }

  connected (client: CallClient, dialect: string | undefined): void {
    if (this.#isHeard('connect')) this.#emit('connect', { dialect, subject: client.may.subject, address: client.address })
  }

  /** The memberships of a client have changed. */
  moved (client: CallClient, before: readonly Member[], after: readonly Member[]): void {
    if (this.#isHeard('leave')) {
      for (const member of before) if (!after.includes(member)) this.#emit('leave', peerEvent(client, member))
    }
    if (this.#isHeard('join')) {
      for (const member of after) if (!before.includes(member)) this.#emit('join', peerEvent(client, member))
    }
  }

  /** A connection is ending. Listeners are told in the next turn of the event loop, when its client has left its rooms, too. */
  closed (end: EndRecord): void {
    if (this.#isHeard('close')) setImmediate(() => this.#emit('close', closeEvent(end)))
  }

  #isHeard (name: keyof SignalboxEvents): boolean {
    return this.emitter.listenerCount(name) > 0
  }

  /** As `emit` of the emitter, which would stop at a listener that throws, and throw here. */
  #emit<Name extends keyof SignalboxEvents> (name: Name, event: SignalboxEvents[Name][0]): void {
    for (const listener of this.emitter.rawListeners(name)) {
      try {
        const result: unknown = Reflect.apply(listener, this.emitter, [event])
        if (result instanceof Promise) result.catch(this.#onError)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}

function peerEvent ({ dialect = '', may: { subject }, address }: CallClient, { room, id }: Member): PeerEvent {
  return { dialect, room, id, subject, address }
}

function closeEvent ({ dialect, id, subject, address = '', code, reason = '' }: EndRecord): CloseEvent {
  return { dialect, id, subject, address, code, reason }
}
