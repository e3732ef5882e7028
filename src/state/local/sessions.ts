import type { Timer, Timers } from '../../timing/timers.js'

/** The most sessions that a peer may have begun. One more ends the one of them that has been idle longest. */
export const mostBegun = 64

interface Session {
  readonly name: string
  /** The peer that began it, and the other. */
  readonly peers: readonly [string, string]
  /** Postponed by every use. The timer reads it when it fires, so a signal need not reschedule the timer. */
  idleAt: number
  /** When its use was last reported to the other nodes. */
  reportedAt: number
  timer: Timer
}

/** The sessions of one room, each identified by its two peers and its name. */
export class RoomSessions {
  readonly #timers: Timers
  /** By pair of peers, then by name, in the order they began or began again. */
  readonly #ofPair = new Map<string, Map<string, Session>>()
  /** By peer and name. */
  readonly #ofPeerAndName = new Map<string, Set<Session>>()
  readonly #byName = new Map<string, Set<Session>>()
  readonly #ofPeer = new Map<string, Set<Session>>()
  readonly #begunBy = new Map<string, Set<Session>>()
  #size = 0

  constructor (timers: Timers) {
    this.#timers = timers
  }

  get size (): number {
    return this.#size
  }

  /** Whether an offer may begin this session: its receiver is in no session of this name with another peer. */
  mayBegin (name: string, from: string, to: string): boolean {
    const withTo = this.#ofPeerAndName.get(joined(to, name))?.size ?? 0
    return withTo === 0 || (withTo === 1 && this.has(name, from, to))
  }

  /** Whether other frames may use this name: the two peers have the session, or no peers have one of this name. */
  mayUse (name: string, from: string, to: string): boolean {
    return !this.#byName.has(name) || this.has(name, from, to)
  }

  has (name: string, from: string, to: string): boolean {
    return this.#find(name, from, to) !== undefined
  }

  /** Whether the two peers have the session and its use was reported less than `ms` ago. */
  wasReported (name: string, from: string, to: string, ms: number): boolean {
    const session = this.#find(name, from, to)
    return session !== undefined && this.#timers.now() - session.reportedAt < ms
  }

  /** The session that two peers began last. */
  latest (from: string, to: string): string | undefined {
    let latest
    for (const name of this.#ofPair.get(pairOf(from, to))?.keys() ?? []) latest = name
    return latest
  }

  /** Begins a session, or begins it again if the two peers have it. Counts as reported. */
  begin (name: string, from: string, to: string, idleMs: number): void {
    const known = this.#find(name, from, to)
    if (known !== undefined) {
      // Now it is the latest session of the two.
      const ofPair = this.#ofPair.get(pairOf(from, to))
      ofPair?.delete(name)
      ofPair?.set(name, known)
      return this.#use(known, idleMs)
    }
    const now = this.#timers.now()
    const timer = this.#timers.schedule(idleMs, () => this.#expire(session))
    const session: Session = { name, peers: [from, to], idleAt: now + idleMs, reportedAt: now, timer }
    this.#size++
    const pair = pairOf(from, to)
    this.#ofPair.set(pair, (this.#ofPair.get(pair) ?? new Map<string, Session>()).set(name, session))
    add(this.#byName, name, session)
    for (const peer of new Set(session.peers)) {
      add(this.#ofPeer, peer, session)
      add(this.#ofPeerAndName, joined(peer, name), session)
    }
    const begun = add(this.#begunBy, from, session)
    if (begun.size > mostBegun) this.#end(longestIdle(begun))
  }

  /** Postpones the end of a session. `isReported`: the use is reported to the other nodes. */
  touch (name: string, from: string, to: string, idleMs: number, isReported = true): void {
    const session = this.#find(name, from, to)
    if (session !== undefined) this.#use(session, idleMs, isReported)
  }

  #use (session: Session, idleMs: number, isReported = true): void {
    const now = this.#timers.now()
    session.idleAt = now + idleMs
    if (isReported) session.reportedAt = now
  }

  #find (name: string, from: string, to: string): Session | undefined {
    return this.#ofPair.get(pairOf(from, to))?.get(name)
  }

  #expire (session: Session): void {
    const restMs = session.idleAt - this.#timers.now()
    if (restMs > 0) session.timer = this.#timers.schedule(restMs, () => this.#expire(session))
    else this.#end(session)
  }

  #end (session: Session): void {
    const { name, peers: [from, to] } = session
    this.#timers.cancel(session.timer)
    this.#size--
    const pair = pairOf(from, to)
    const ofPair = this.#ofPair.get(pair)
    ofPair?.delete(name)
    if (ofPair?.size === 0) this.#ofPair.delete(pair)
    remove(this.#byName, name, session)
    for (const peer of session.peers) {
      remove(this.#ofPeer, peer, session)
      remove(this.#ofPeerAndName, joined(peer, name), session)
    }
    remove(this.#begunBy, from, session)
  }

  /** Ends all sessions of a peer that left. */
  endOf (peer: string): void {
    for (const session of this.#ofPeer.get(peer) ?? []) this.#end(session)
  }
}

function add<Item> (sets: Map<string, Set<Item>>, key: string, item: Item): Set<Item> {
  let set = sets.get(key)
  if (set === undefined) sets.set(key, set = new Set())
  return set.add(item)
}

function remove<Item> (sets: Map<string, Set<Item>>, key: string, item: Item): void {
  const set = sets.get(key)
  set?.delete(item)
  if (set?.size === 0) sets.delete(key)
}

function longestIdle (sessions: Iterable<Session>): Session {
  return [...sessions].reduce((longest, session) => session.idleAt < longest.idleAt ? session : longest)
}

/** Unique: ids and session names contain no control characters. */
function joined (one: string, other: string): string {
  return `${one}\n${other}`
}

function pairOf (one: string, other: string): string {
  return one < other ? joined(one, other) : joined(other, one)
}
