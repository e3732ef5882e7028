import type { Timer, Timers } from '../../timing/timers.js'

/** Most sessions that a peer has begun; past that the one of them that was idle longest ends. */
export const mostBegun = 64

interface Session {
  readonly name: string
  /** First who began it. */
  readonly peers: readonly [string, string]
  /** Moved on by every use; the timer looks at it when it fires, so that a signal costs no timer. */
  idleAt: number
  /** When the others last heard that it is used. */
  toldAt: number
  timer: Timer
}

/** The sessions of one room, each known by its two peers and its name. */
export class RoomSessions {
  readonly #timers: Timers
  /** By the two peers, and then by name, in the order they were begun or begun anew. */
  readonly #ofPair = new Map<string, Map<string, Session>>()
  /** By one peer and a name: who else it is in one with. */
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

  /** Whether an offer may begin this session: its receiver is in none of that name with somebody else. */
  mayBegin (name: string, from: string, to: string): boolean {
    const withTo = this.#ofPeerAndName.get(joined(to, name))?.size ?? 0
    return withTo === 0 || (withTo === 1 && this.has(name, from, to))
  }

  /** Whether other frames may go under this name: it is theirs, or nobody's. */
  mayUse (name: string, from: string, to: string): boolean {
    return !this.#byName.has(name) || this.has(name, from, to)
  }

  has (name: string, from: string, to: string): boolean {
    return this.#find(name, from, to) !== undefined
  }

  /** It is theirs, and the others have heard of its use since `ms` ago. */
  wasTold (name: string, from: string, to: string, ms: number): boolean {
    const session = this.#find(name, from, to)
    return session !== undefined && this.#timers.now() - session.toldAt < ms
  }

  /** The session that two peers began last. */
  latest (from: string, to: string): string | undefined {
    let latest
    for (const name of this.#ofPair.get(pairOf(from, to))?.keys() ?? []) latest = name
    return latest
  }

  /** Begins a session, or begins it anew when it is theirs already. The others are told. */
  begin (name: string, from: string, to: string, idleMs: number): void {
    const known = this.#find(name, from, to)
    if (known !== undefined) {
      // It is the latest of the two now.
      const ofPair = this.#ofPair.get(pairOf(from, to))
      ofPair?.delete(name)
      ofPair?.set(name, known)
      return this.#use(known, idleMs)
    }
    const now = this.#timers.now()
    const session: Session = { name, peers: [from, to], idleAt: now + idleMs, toldAt: now, timer: this.#timers.schedule(idleMs, () => this.#expire(session)) }
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

  /** Traffic keeps a session. `isTold`: the others hear of it. */
  touch (name: string, from: string, to: string, idleMs: number, isTold = true): void {
    const session = this.#find(name, from, to)
    if (session !== undefined) this.#use(session, idleMs, isTold)
  }

  #use (session: Session, idleMs: number, isTold = true): void {
    const now = this.#timers.now()
    session.idleAt = now + idleMs
    if (isTold) session.toldAt = now
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

/** No id and no session holds a control character. */
function joined (one: string, other: string): string {
  return `${one}\n${other}`
}

function pairOf (one: string, other: string): string {
  return one < other ? joined(one, other) : joined(other, one)
}
