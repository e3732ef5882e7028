import type { BridgedCall, Bridging, CallClient, CallKind, Signal } from '../dialect/bridging.js'
import type { Member, Sink } from '../state/contract.js'

/** The most calls that a peer has begun at a time, as in drone's sessions. One more ends the one of them that has been idle longest. */
export const mostBegun = 64
/** What may wait of a call for its answer: more than any browser has to say. Candidates have 200 bytes each. */
const mostHeld = 256
const mostHeldBytes = 65_536

export interface BridgedDialect extends Bridging<CallClient> {
  readonly name: string
}

/** One end of a call, at the node of its peer. */
export interface Call extends BridgedCall {
  readonly party: Party
  /** Whether its offer counts. A call is turned where who was called offers, too. */
  isCaller: boolean
  isTurned: boolean
  /** Of the m-lines. */
  mids: readonly string[]
  /** `over`: its peer has been told. What it still sends is dropped, as a client sends candidates until it has heard. */
  phase: 'offered' | 'answered' | 'over'
  /** What waits for the answer, at the caller's node: of the caller, and for it. */
  outgoing: Signal[]
  incoming: Signal[]
  heldBytes: number
  /** In ms of the process's clock. */
  usedAt: number
  /** Cancels what is to happen when no answer comes, or when the call is forgotten. */
  cancel: () => void
}

export interface NewCall {
  readonly id: string
  readonly kind: CallKind
  readonly other: string
  readonly name: string
  readonly label: string | undefined
  readonly isCaller: boolean
  readonly mids: readonly string[]
}

/** A peer of this node, and its calls with peers of other dialects. */
export class Party {
  readonly client: CallClient
  readonly dialect: BridgedDialect
  readonly room: string
  /** Its id in its dialect, and its qualified id. */
  readonly self: string
  readonly address: string
  /** In the order in which they began. */
  readonly calls = new Map<string, Call>()
  #stopAsking: (() => void) | undefined

  constructor (client: CallClient, dialect: BridgedDialect, { room, id }: Pick<Member, 'room' | 'id'>, address: string) {
    this.client = client
    this.dialect = dialect
    this.room = room
    this.self = id
    this.address = address
  }

  get isAsking (): boolean {
    return this.#stopAsking !== undefined
  }

  startAsking (everyMs: number, ask: () => Promise<void>): void {
    this.#stopAsking = this.client.every(everyMs, ask)
  }

  stopAsking (): void {
    this.#stopAsking?.()
    this.#stopAsking = undefined
  }

  /** The peers that it is in calls with, each with one of these. */
  others (): Map<string, Call> {
    return new Map([...this.calls.values()].filter(({ phase }) => phase !== 'over').map((call) => [call.other, call]))
  }

  begin (call: NewCall, now: number): Call {
    const begun: Call = {
      ...call,
      party: this,
      self: this.self,
      isTurned: false,
      phase: 'offered',
      outgoing: [],
      incoming: [],
      heldBytes: 0,
      usedAt: now,
      cancel: () => {}
    }
    this.calls.set(begun.id, begun)
    return begun
  }

  /** The call with another peer that has a name, or else the latest one. */
  find (other: string, name?: string): Call | undefined {
    return this.with(other).findLast((call) => name === undefined || call.name === name)
  }

  with (other: string): Call[] {
    return [...this.calls.values()].filter((call) => call.other === other)
  }

  /** The call that has to end before another begins: the one idle longest of too many that were begun by the same peer. */
  excess (isCaller: boolean, other: string): Call | undefined {
    const begun = [...this.calls.values()].filter((call) => call.isCaller === isCaller && (isCaller || call.other === other))
    if (begun.length < mostBegun) return undefined
    return begun.reduce((idle, call) => call.usedAt < idle.usedAt ? call : idle)
  }
}

/** The client behind a sink, with a permit of its own. What has none calls nobody. */
export function clientOf (sink: Sink): CallClient | undefined {
  if ('may' in sink && 'after' in sink) return sink as CallClient
  return sink.connection && clientOf(sink.connection)
}

/** Has a signal wait for the answer. False where too much does already. */
export function hold (call: Call, signals: Signal[], signal: Signal): boolean {
  if (signals.length >= mostHeld) return false
  call.heldBytes += JSON.stringify(signal).length
  if (call.heldBytes > mostHeldBytes) return false
  signals.push(signal)
  return true
}
