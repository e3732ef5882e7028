import { randomUUID } from 'node:crypto'
import type { BridgedCall, BridgeRefusal, CallClient, Said, Signal } from '../dialect/bridging.js'
import type { Member, State } from '../state/contract.js'
import type { Audit } from '../telemetry/audit.js'
import type { Log } from '../telemetry/log.js'
import type { Clock } from '../timing/clock.js'
import { andThen, type MaybePromise } from '../timing/maybe-promise.js'
import type { BridgeCounters } from './counters.js'
import { dialectOf, encode, type Message } from './message.js'
import { type BridgedDialect, type Call, clientOf, hold, type NewCall, Party } from './party.js'
import { complete, kindOf, midsOf } from './sdp.js'

/** How long a call waits for its answer, and for how long what its caller still sends is known to belong to it. In ms. */
const answerWithinMs = 30_000

/** Calls of peers that would not hear of a loss, and so are not asked about, are known for so long after their last signal. In ms. */
const forgetAfterMs = 3_600_000

export interface CallsHost {
  readonly state: Pick<State, 'relay' | 'isReady'>
  readonly audit: Audit
  readonly clock: Clock
  readonly log: Log
  /** How often it is asked whether those are still there who are in calls. In ms. */
  readonly askEveryMs: number
}

/** Tells the other end that a peer has gone, or has left its calls. */
export const bye = { signal: { kind: 'bye' }, name: '' } as const

/** Where a call has not been answered, who was called may turn it by an offer of its own, of the same kind. */
export function canTurn ({ isCaller, phase, kind }: Call, sdp: string): boolean {
  return !isCaller && phase === 'offered' && kindOf(sdp) === kind
}

/** What an offer says beside its description. */
type Offered = Pick<BridgedCall, 'name'> & { readonly label?: string | undefined }

/** What names a call to the other end. */
export type CallEnd = Pick<Call, 'id' | 'party' | 'other'>

/** The calls of this node's peers with peers of other dialects: what each says is told to its other end, in a message. */
export class Calls {
  readonly #host: CallsHost
  readonly #counters: BridgeCounters
  readonly #dialects: ReadonlyMap<string, BridgedDialect>
  /** By client, then by qualified id. */
  readonly #parties = new WeakMap<CallClient, Map<string, Party>>()

  constructor (host: CallsHost, dialects: ReadonlyMap<string, BridgedDialect>, counters: BridgeCounters) {
    this.#host = host
    this.#dialects = dialects
    this.#counters = counters
  }

  /** A peer of this node, if it has had calls. */
  partyAt (client: CallClient, address: string): Party | undefined {
    return this.#parties.get(client)?.get(address)
  }

  partyOf (client: CallClient, dialect: BridgedDialect, place: Pick<Member, 'room' | 'id'>, address: string): Party {
    const key = qualified(dialect.name, address)
    const parties = this.#parties.get(client) ?? new Map<string, Party>()
    this.#parties.set(client, parties)
    const party = parties.get(key) ?? new Party(client, dialect, place, key)
    parties.set(key, party)
    return party
  }

  /** A peer of this node calls. */
  begin (party: Party, foreign: BridgedDialect, other: string, said: Said): MaybePromise<unknown> {
    const { signal, name, label, isUnreadable = false } = said
    const { client, dialect } = party
    const id = randomUUID()
    const sdp = 'sdp' in signal ? signal.sdp : ''
    const kind = kindOf(sdp)
    const named = name ?? dialect.nameOf({ id, kind, name: id })
    for (const earlier of party.with(other)) if (earlier.name === named || !dialect.namesCalls) this.#end(earlier)
    const excess = party.excess(true, other)
    if (excess !== undefined) this.#end(excess)
    const call = this.#note(party, { id, kind, other, name: named, label, isCaller: true, mids: midsOf(sdp) })
    const place = foreign.placeOf(other.slice(foreign.name.length + 1))
    const { may } = client
    if (!may.call(foreign.name)) return this.#refuse(call, 'not_allowed')
    if (place === undefined) return this.#refuse(call, 'absent')
    if (foreign.mayReach?.(may, place.room) === false) return this.#refuse(call, 'not_allowed')
    if (isUnreadable || !dialect.kinds.includes(kind) || !foreign.kinds.includes(kind)) return this.#refuse(call, 'impossible')
    call.cancel = client.after(answerWithinMs, () => this.#giveUp(call))
    return andThen(this.#tell(call, { signal, name: named, label }), (isSent) => {
      if (!isSent && call.phase === 'offered') this.#refuse(call, 'absent')
    })
  }

  /** A peer of this node that was called offers instead of answering. Whoever called may answer that. */
  turn (call: Call, sdp: string): MaybePromise<unknown> {
    reverse(call, sdp)
    call.cancel = call.party.client.after(answerWithinMs, () => this.#giveUp(call))
    return this.#tellOrEnd(call, { kind: 'offer', sdp }, true)
  }

  /** A peer of this node says something in a call. */
  pass (call: Call, foreign: BridgedDialect, signal: Signal): MaybePromise<unknown> {
    call.usedAt = this.#now()
    if (call.phase === 'over') {
      // Candidates may still be on their way when a call ends.
      const { client, dialect } = call.party
      return signal.kind === 'answer' ? dialect.refuse(client, 'absent', call) : undefined
    }
    if (signal.kind === 'answer') {
      if (call.isCaller || call.phase !== 'offered') return undefined
      call.phase = 'answered'
      return this.#tellOrEnd(call, signal)
    }
    // They belong to its own offer, which no longer counts.
    if (call.isTurned && !call.isCaller && call.phase === 'offered') return undefined
    const said = signal.kind === 'candidate' ? complete(signal, call.mids) : signal
    if (call.isCaller && call.phase === 'offered' && !foreign.keepsEarly) {
      return hold(call, call.outgoing, said) ? undefined : this.#refuse(call, 'absent')
    }
    return this.#tellOrEnd(call, said)
  }

  #tellOrEnd (call: Call, signal: Signal, turns = false): MaybePromise<unknown> {
    return andThen(this.#tell(call, { signal, name: call.name, ...(turns && { turns }) }), (isSent) => {
      if (!isSent && call.phase !== 'over') this.#refuse(call, 'absent')
    })
  }

  /** A peer of this node leaves a call. In a dialect whose word for it names none, it leaves all its calls with the other. */
  hangUp (call: Call): MaybePromise<unknown> {
    const { party, other, name } = call
    const isAlone = party.dialect.endsCalls === true
    for (const ended of isAlone ? [call] : party.with(other)) this.#forget(ended)
    return this.#tell(call, isAlone ? { ...bye, name } : bye)
  }

  /** Tells the other end. False where nobody is there, or nobody can be reached. */
  #tell ({ id, party, other }: CallEnd, says: Message['says']): MaybePromise<boolean> {
    const foreign = this.#dialects.get(dialectOf(other))
    const place = foreign?.placeOf(other.slice(foreign.name.length + 1))
    if (foreign === undefined || place === undefined) return false
    if ('signal' in says) this.#counters.countSignal(party.dialect.name, foreign.name)
    const frame = encode({ call: id, from: party.address, to: other, says })
    return andThen(this.#host.state.relay.send(place.room, place.id, frame, party.address), (sent) => sent === 'sent')
  }

  /** Tells the other end, while nobody waits for that. */
  reply (call: CallEnd, says: Message['says']): void {
    const told = this.#tell(call, says)
    if (told instanceof Promise) told.catch((error: unknown) => this.#host.log.error({ err: error }, 'a message between dialects'))
  }

  /** A message for a peer of this node. */
  take (client: CallClient, message: Message): void {
    const { call: id, from, to, says } = message
    const own = this.#dialects.get(dialectOf(to))
    const address = own === undefined ? '' : to.slice(own.name.length + 1)
    const place = own?.placeOf(address)
    if (own === undefined || place === undefined) return
    // A question is answered by the fact that it came.
    if ('asks' in says) return
    const party = this.partyOf(client, own, place, address)
    const call = party.calls.get(id)
    if ('signal' in says && says.signal.kind === 'offer' && says.turns !== true) {
      this.#ring(party, message, says, says.signal.sdp)
    } else if (call === undefined) {
      // Not in answer to the end of a call.
      if ('signal' in says && says.signal.kind !== 'bye') this.reply({ id, party, other: from }, { over: true })
    } else if ('signal' in says && says.signal.kind === 'bye') {
      this.#gone(party, from, says.name === '' ? party.with(from) : [call])
    } else if ('signal' in says && says.signal.kind === 'offer') {
      this.#turned(call, says.signal.sdp)
    } else if ('signal' in says) {
      this.#hear(call, says.signal)
    } else if (call.phase === 'over') {
      // It has been told.
    } else if ('refused' in says) {
      this.#refuse(call, says.refused)
    } else if (call.isCaller && call.phase === 'offered') {
      this.#refuse(call, 'absent')
    } else {
      this.#setOver(call)
      if (own.endsCalls === true) for (const frame of own.write(bye.signal, call, client)) client.deliver(frame, false, from)
    }
  }

  /** A peer of this node is called. */
  #ring (party: Party, { call: id, from: other }: Message, { name, label }: Offered, sdp: string): void {
    const { client, dialect, self } = party
    if (!client.may.beCalledFrom(dialectOf(other))) return this.reply({ id, party, other }, { refused: 'not_allowed' })
    const kind = kindOf(sdp)
    if (!dialect.namesCalls) for (const earlier of party.with(other)) this.#end(earlier)
    const excess = party.excess(false, other)
    if (excess !== undefined) this.#end(excess)
    const begun = { id, kind, other, name: dialect.nameOf({ id, kind, name }), label, isCaller: false, mids: midsOf(sdp) }
    if (!this.#say(this.#note(party, begun), { kind: 'offer', sdp })) return
    const { may: { subject }, address } = client
    this.#host.audit.often({ event: 'bridged', from: other, to: party.address, kind, dialect: dialect.name, id: self, subject, address })
  }

  /** A peer of this node hears an offer in answer to its own. */
  #turned (call: Call, sdp: string): void {
    if (!call.isCaller || call.phase !== 'offered') return this.reply(call, { over: true })
    this.#count(call, 'turned')
    const { incoming } = call
    reverse(call, sdp)
    if (!this.#say(call, { kind: 'offer', sdp })) return call.party.dialect.refuse(call.party.client, 'impossible', call)
    for (const said of incoming) this.#say(call, said)
  }

  /** A peer of this node hears something in a call. */
  #hear (call: Call, signal: Signal): void {
    call.usedAt = this.#now()
    if (call.phase === 'over') return
    if (signal.kind === 'answer') {
      if (!call.isCaller || call.phase !== 'offered') return
      call.phase = 'answered'
      call.cancel()
      this.#count(call, 'answered')
      const { incoming, outgoing } = call
      call.incoming = []
      call.outgoing = []
      for (const said of [signal, ...incoming]) this.#say(call, said)
      for (const signal of outgoing) this.reply(call, { signal, name: call.name })
    } else if (call.isCaller && call.phase === 'offered') {
      // A daemon may find candidates before it has written its answer, and browsers refuse them until they have that.
      if (!hold(call, call.incoming, signal)) this.reply(call, { refused: 'absent' })
    } else {
      this.#say(call, signal)
    }
  }

  /** Tells a peer of this node, in its dialect. Where it does not take that, the other end hears so, and the call is over. */
  #say (call: Call, signal: Signal): boolean {
    const { party: { client, dialect }, other } = call
    const frames = dialect.write(signal, call, client)
    const cannotTake = signal.kind === 'offer' && frames.length === 0
    if (!cannotTake && frames.every((frame) => client.deliver(frame, false, other))) return true
    this.reply(call, { refused: cannotTake ? 'impossible' : 'absent' })
    this.#forget(call)
    return false
  }

  /** Tells a peer of this node that its call has not come about, once. */
  #refuse (call: Call, why: BridgeRefusal): void {
    const { party: { client, dialect } } = call
    if (call.isCaller && call.phase === 'offered') this.#count(call, why)
    this.#setOver(call)
    if (why === 'not_allowed') client.noteRefusal('not_allowed')
    dialect.refuse(client, why, call)
  }

  #setOver (call: Call): void {
    call.cancel()
    call.phase = 'over'
    call.incoming = []
    call.outgoing = []
    call.cancel = call.party.client.after(answerWithinMs, () => this.#forget(call))
  }

  #giveUp (call: Call): void {
    this.#count(call, 'unanswered')
    this.reply(call, { over: true })
    this.#setOver(call)
    const { party: { client, dialect } } = call
    dialect.refuse(client, 'absent', call)
  }

  /** Ends a call in favour of another. */
  #end (call: Call): void {
    if (call.phase !== 'over') this.reply(call, { over: true })
    this.#forget(call)
  }

  #count ({ party, other }: Call, outcome: string): void {
    this.#counters.countCall(party.dialect.name, dialectOf(other), outcome)
  }

  #note (party: Party, begun: NewCall): Call {
    const now = this.#now()
    if (!party.dialect.hearsLoss) {
      for (const call of [...party.calls.values()]) if (now - call.usedAt > forgetAfterMs) this.#forget(call)
    }
    const call = party.begin(begun, now)
    this.#startAsking(party)
    return call
  }

  #forget (call: Call): void {
    const { party } = call
    call.cancel()
    call.phase = 'over'
    party.calls.delete(call.id)
    if (party.calls.size === 0) party.stopAsking()
  }

  /** Another peer has left calls, by default all. The peer of this node that was in them hears of that once. */
  #gone (party: Party, other: string, left = party.with(other)): void {
    const { client, dialect } = party
    const calls = left.filter(({ phase }) => phase !== 'over')
    const [waiting] = calls.filter(({ isCaller, phase }) => isCaller && phase === 'offered')
    for (const call of calls) if (call.isCaller && call.phase === 'offered') this.#count(call, 'absent')
    for (const call of left) this.#forget(call)
    // A word that ends all calls of the two would end those that go on.
    const mayTell = dialect.endsCalls === true || !party.others().has(other)
    const told = mayTell ? calls.slice(0, dialect.endsCalls === true ? calls.length : 1) : []
    const frames = told.flatMap((call) => dialect.write(bye.signal, call, client))
    for (const frame of frames) client.deliver(frame, false, other)
    if (frames.length === 0 && waiting !== undefined) dialect.refuse(client, 'absent', waiting)
  }

  /** Asks now and then whether those are still there with whom a peer of this node is in a call: nobody tells of a node's death. */
  #startAsking (party: Party): void {
    if (!party.dialect.hearsLoss || party.isAsking) return
    const missing = new Set<string>()
    party.startAsking(this.#host.askEveryMs, async () => {
      for (const [other, call] of party.others()) {
        const { state } = this.#host
        const isThere = await this.#tell(call, { asks: true })
        if (isThere || !state.isReady) missing.delete(other)
        // Once may be a peer on its way from one node to another.
        else if (missing.delete(other)) this.#gone(party, other)
        else missing.add(other)
      }
    })
  }

  /** A peer of this node leaves: its calls end here. Answers one for each peer that it was in calls with. */
  endAll ({ sink, room, id }: Member): CallEnd[] {
    const client = clientOf(sink)
    const parties = client && this.#parties.get(client)
    const ends: CallEnd[] = []
    for (const [key, party] of parties ?? []) {
      if (party.self !== id || party.room !== room) continue
      for (const [, call] of party.others()) ends.push(call)
      for (const call of [...party.calls.values()]) {
        if (call.isCaller && call.phase === 'offered') this.#count(call, 'left')
        this.#forget(call)
      }
      parties?.delete(key)
    }
    return ends
  }

  #now (): number {
    return this.#host.clock.now()
  }
}

/** The offer of the other end counts now, and what waited for an answer to the first is of no use. */
function reverse (call: Call, sdp: string): void {
  call.cancel()
  call.cancel = () => {}
  call.isCaller = !call.isCaller
  call.isTurned = true
  call.mids = midsOf(sdp)
  call.incoming = []
  call.outgoing = []
  call.heldBytes = 0
}

function qualified (dialect: string, address: string): string {
  return `${dialect}:${address}`
}
