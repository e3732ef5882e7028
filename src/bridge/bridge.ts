import { ConfigError } from '../config/config-error.js'
import type { BridgeEntrance, Bridging, CallClient } from '../dialect/bridging.js'
import type { JsonObject } from '../frame/parse.js'
import type { JoinRequest, Member, State } from '../state/contract.js'
import { andThen, type MaybePromise } from '../timing/maybe-promise.js'
import { bye, type CallEnd, Calls, type CallsHost, canTurn } from './calls.js'
import { BridgeCounters } from './counters.js'
import { decode, dialectOf, messageIn } from './message.js'
import { mentions, Pairs } from './pairs.js'
import { type BridgedDialect, clientOf } from './party.js'

export interface BridgeHost extends CallsHost {
  readonly state: Pick<State, 'peers' | 'relay' | 'isReady'>
  /** Whether this node is being stopped. */
  readonly isDraining: () => boolean
}

/** A dialect as it was registered. */
interface Registered {
  readonly name: string
  readonly bridging: Bridging<CallClient> | undefined
}

/**
 * Calls between dialects. Each end of a call is known at the node of its peer, and held by that peer's connection. The two ends tell each
 * other what their peers say: in messages that the state delivers like frames, and that a connection of ours takes in place of its client.
 */
export class Bridge {
  readonly counters = new BridgeCounters()
  readonly #entries: readonly string[]
  readonly #dialects = new Map<string, BridgedDialect>()
  #pairs = new Pairs([], [])
  readonly #calls: Calls
  /** Those that take messages. */
  readonly #listening = new WeakSet<CallClient>()

  /** @param entries of `BRIDGE` */
  constructor (entries: readonly string[], host: BridgeHost) {
    this.#entries = entries
    this.#calls = new Calls(host, this.#dialects, this.counters)
    const { peers } = host.state
    const { join, leave } = peers
    peers.join = (request) => {
      // The id would look like that of another dialect's peer.
      if (this.#dialects.has(dialectOf(request.id))) return { outcome: 'taken' }
      const client = clientOf(request.sink)
      if (client !== undefined) this.#listen(client)
      return andThen(join(request), (joined) => {
        if (joined.outcome === 'joined') for (const end of this.#leftFor(request)) this.#calls.reply(end, bye)
        return joined
      })
    }
    peers.leave = (member, mayReturn = false) => {
      const ends = this.#calls.endAll(member)
      return andThen(leave(member, mayReturn), (hasLeft) => {
        // A place that is kept is no loss, nor is one that a newer connection has taken.
        const isLoss = hasLeft && !(mayReturn && member.grace !== undefined) && !host.isDraining()
        if (isLoss) for (const end of ends) this.#calls.reply(end, bye)
        return hasLeft
      })
    }
  }

  /** The way from a dialect to the others. Undefined for one that `BRIDGE` does not name. */
  of (name: string): BridgeEntrance | undefined {
    if (!this.#entries.some((entry) => mentions(entry, name))) return undefined
    return {
      reaches: (target) => this.#pairs.has(name, dialectOf(target)),
      send: (client, member, target, frame) => this.#send(name, client, member, target, frame),
      forget: (member) => { for (const end of this.#calls.endAll(member)) this.#calls.reply(end, { over: true }) }
    }
  }

  /** The dialects that take part. */
  get dialects (): ReadonlyMap<string, BridgedDialect> {
    return this.#dialects
  }

  /**
   * Begins once all dialects are known.
   *
   * @throws ConfigError for an entry of `BRIDGE` that does not name two dialects which are on and can be bridged, or whose peers have no
   *   kind of call in common
   */
  start (registered: Iterable<Registered>): void {
    const able = [...registered].flatMap(({ name, bridging }) => bridging === undefined ? [] : [{ ...bridging, name }])
    const names = able.map(({ name }) => name)
    for (const entry of this.#entries) check(entry, able)
    this.#pairs = new Pairs(this.#entries, names)
    for (const dialect of able) {
      const { name } = dialect
      if (this.#entries.some((entry) => mentions(entry, name))) this.#dialects.set(name, dialect)
    }
  }

  /** Takes the messages for a client, in its place. */
  #listen (client: CallClient): void {
    if (this.#listening.has(client)) return
    this.#listening.add(client)
    const { deliver } = client
    client.deliver = (frame, isForMany, from) => {
      const message = messageIn(frame)
      if (message === undefined) return deliver.call(client, frame, isForMany, from)
      this.#calls.take(client, decode(message))
      return true
    }
  }

  #send (name: string, client: CallClient, member: Member, target: string, frame: JsonObject): MaybePromise<boolean> {
    const own = this.#dialects.get(name)
    const foreign = this.#dialects.get(dialectOf(target))
    if (own === undefined || foreign === undefined) return false
    const mayCall = this.#pairs.has(name, foreign.name)
    if (!mayCall && !this.#pairs.has(foreign.name, name)) return false
    const address = own.addressOf(member.room, member.id)
    if (address === undefined) return false
    const said = own.read(frame)
    const ends = { self: member.id, other: target, name: said?.name }
    const party = this.#calls.partyAt(client, `${name}:${address}`)
    const call = party?.find(target, said?.name)
    if (said?.signal.kind === 'offer') {
      const { sdp } = said.signal
      if (said.name !== undefined && call !== undefined && canTurn(call, sdp)) return andThen(this.#calls.turn(call, sdp), () => true)
      if (!mayCall) return false
      return andThen(this.#calls.begin(this.#calls.partyOf(client, own, member, address), foreign, target, said), () => true)
    }
    if (call === undefined) {
      if (!mayCall) return false
      if (said?.signal.kind !== 'bye') own.refuse(client, said === undefined ? 'impossible' : 'absent', ends)
      return true
    }
    if (said === undefined) {
      own.refuse(client, 'impossible', ends)
      return true
    }
    if (said.signal.kind === 'bye') return andThen(this.#calls.hangUp(call), () => true)
    return andThen(this.#calls.pass(call, foreign, said.signal), () => true)
  }

  /** The calls that a peer leaves when it registers as another. */
  #leftFor ({ leaving, room, id }: JoinRequest): CallEnd[] {
    return leaving === undefined || (leaving.room === room && leaving.id === id) ? [] : this.#calls.endAll(leaving)
  }
}

/** @throws ConfigError */
function check (entry: string, able: readonly BridgedDialect[]): void {
  const value = JSON.stringify(entry)
  const names = able.map(({ name }) => name)
  const [one, other] = (Pairs.read(entry, names) ?? []).map((name) => able.find((dialect) => dialect.name === name))
  if (one === undefined || other === undefined) {
    const accepted = names.length < 2 ? 'and fewer than two dialects are on that can be bridged' : `of two of ${names.join(', ')}`
    throw new ConfigError(`BRIDGE: invalid value ${value}, expected a pair such as peerjs-drone, ${accepted}`)
  }
  if (one.kinds.some((kind) => other.kinds.includes(kind))) return
  const [ones, others] = [one, other].map(({ kinds }) => kinds.join(' or '))
  throw new ConfigError(`BRIDGE: invalid value ${value}: calls of ${one.name} are ${ones}, and calls of ${other.name} are ${others}`)
}
