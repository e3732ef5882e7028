import type { Timer, Timers } from '../timers.js'

/** Most sessions a peer takes part in; past that its oldest is forgotten. */
const maxSessionsOfPeer = 64

interface Session {
  readonly name: string
  readonly peers: readonly [string, string]
  /** Moved on by every use; the timer looks at it when it fires, so that a signal costs no timer. */
  idleAt: number
  timer: Timer
}

/** The sessions of one room: who may use a name, and which one two peers used last. */
export class RoomSessions {
  readonly #timers: Timers
  readonly #byName = new Map<string, Session>()
  readonly #byPeer = new Map<string, Set<Session>>()

  constructor (timers: Timers) {
    this.#timers = timers
  }

  get size (): number {
    return this.#byName.size
  }

  /** True when the name is bound, and not to these two. */
  isForeign (name: string, from: string, to: string): boolean {
    const session = this.#byName.get(name)
    return session !== undefined && !isBetween(session, from, to)
  }

  isBound (name: string): boolean {
    return this.#byName.has(name)
  }

  /** The session that two peers began last. */
  latest (from: string, to: string): string | undefined {
    let latest
    for (const session of this.#byPeer.get(from) ?? []) {
      if (isBetween(session, from, to)) latest = session.name
    }
    return latest
  }

  /** Binds a name to two peers, or begins it anew when it is theirs already. */
  begin (name: string, from: string, to: string, idleMs: number): void {
    const known = this.#byName.get(name)
    if (known !== undefined) return this.#beginAnew(known, idleMs)
    const session: Session = { name, peers: [from, to], idleAt: this.#timers.now() + idleMs, timer: this.#timers.schedule(idleMs, () => this.#expire(session)) }
    this.#byName.set(name, session)
    for (const peer of session.peers) {
      const sessions = this.#byPeer.get(peer) ?? new Set()
      this.#byPeer.set(peer, sessions.add(session))
      if (sessions.size > maxSessionsOfPeer) this.end((sessions.values().next().value as Session).name)
    }
  }

  /** It is the latest of its peers now. */
  #beginAnew (session: Session, idleMs: number): void {
    session.idleAt = this.#timers.now() + idleMs
    for (const peer of session.peers) {
      const sessions = this.#byPeer.get(peer)
      if (sessions === undefined || sessions.size === 1) continue
      sessions.delete(session)
      sessions.add(session)
    }
  }

  /** Traffic keeps a session. */
  touch (name: string, idleMs: number): void {
    const session = this.#byName.get(name)
    if (session !== undefined) session.idleAt = this.#timers.now() + idleMs
  }

  #expire (session: Session): void {
    const restMs = session.idleAt - this.#timers.now()
    if (restMs > 0) session.timer = this.#timers.schedule(restMs, () => this.#expire(session))
    else this.end(session.name)
  }

  end (name: string): void {
    const session = this.#byName.get(name)
    if (session === undefined) return
    this.#timers.cancel(session.timer)
    this.#byName.delete(name)
    for (const peer of session.peers) {
      const sessions = this.#byPeer.get(peer)
      sessions?.delete(session)
      if (sessions?.size === 0) this.#byPeer.delete(peer)
    }
  }

  /** Ends all sessions of a peer that left. */
  endOf (peer: string): void {
    for (const session of this.#byPeer.get(peer) ?? []) this.end(session.name)
  }
}

function isBetween ({ peers: [one, other] }: Session, from: string, to: string): boolean {
  return (one === from && other === to) || (one === to && other === from)
}
