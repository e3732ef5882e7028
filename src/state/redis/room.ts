import type { Timer } from '../../timing/timers.js'
import type { JoinRequest, Peer, Watcher, FrameLike } from '../contract.js'
import { LocalMember } from '../local/exchange.js'
import type { RoomNews } from '../local/room-news.js'
import { RoomSessions } from '../local/sessions.js'
import type { ReplicaEntry, RoomEvent } from './messages.js'

/** A peer of this node, with what the other nodes know it by. */
export class Registration extends LocalMember {
  /** Names this registration. It stays the same when the node takes a new name. */
  readonly registrationId: string
  /** When it was made, by this process's monotonic clock. No two are equal. */
  readonly registeredAt: number
  /** The same by the clock of Redis, which all nodes share. Undefined until this node knows that clock. */
  joinedAt: number | undefined
  /** `registeredAt` of the first registration of the id that was taken over without a leave, as far as it was on this node. */
  placedAt: number
  /** Its `joinedAt`, wherever it was. */
  place: number | undefined
  /** The registrationId that others were told of: of the first registration that this peer has come back to since. */
  presence: string
  /** Its connection has ended, and Redis is being told to keep its place. What is sent to it from here goes through Redis. */
  isGoing = false
  /** What is to be done for it later. Undefined while nothing has to wait. */
  held: Array<() => void> | undefined
  /** The most members that its room may have. 0 for any number, and for a bound that may be exceeded over an outage. */
  readonly maxMembers: number
  /** The `seenAt` that the other nodes were last told. */
  reportedAt: number

  constructor (request: JoinRequest, registrationId: string, registeredAt: number, joinedAt: number | undefined) {
    super(request)
    this.registrationId = registrationId
    this.registeredAt = registeredAt
    this.joinedAt = joinedAt
    this.placedAt = registeredAt
    this.place = joinedAt
    this.maxMembers = request.mayExceed === true ? 0 : request.maxMembers ?? 0
    this.reportedAt = this.seenAt
    this.presence = registrationId
  }

  override get isAway (): boolean {
    return this.isGoing
  }

  /** Has what comes for it wait until the work is done. */
  async hold (work: () => Promise<void>): Promise<void> {
    const held: Array<() => void> = []
    this.held = held
    try {
      await work()
    } finally {
      this.held = undefined
      for (const handle of held) handle()
    }
  }
}

/** A registration that Redis is being asked for. What arrives for it meanwhile waits. */
export interface Pending {
  readonly member: Registration
  /** The connection's own earlier place in the room, which it gives up. */
  readonly previous: Registration | undefined
  readonly waiting: FrameLike[]
  /** Taken over already. */
  isReplaced: boolean
  /** The others, at the very moment it joined; undefined until its event has come. */
  others: readonly Peer[] | undefined
  /** Its number among the news of the room, once its welcome has been decided on. */
  naming: number | undefined
  readonly seen: () => void
  readonly wasSeen: Promise<void>
  readonly done: Promise<void>
}

/** How an opened room lives, here and as Redis holds it. */
export interface RoomLifetime {
  /** As Redis holds it: both times, and the name that tells it from earlier and later rooms of its code. */
  readonly text: string
  timer: Timer | undefined
}

/** What this node holds of a room it has members in: those members, and a replica of all. */
export class LocalRoom {
  readonly name: string
  /** Whether somebody here wants to know who comes and goes. Otherwise there are no events, and no replica. */
  readonly watcher: Watcher | undefined
  readonly members = new Map<string, Registration>()
  readonly pending = new Map<string, Pending>()
  readonly replica = new Map<string, ReplicaEntry>()
  readonly sessions: RoomSessions
  /** What the watcher is told. */
  readonly news: RoomNews
  lifetime: RoomLifetime | undefined
  /** Joins on their way, which keep the room. */
  entering = 0
  /** Members whose place Redis is being told to keep. */
  going = 0
  /** Settles when the room is listened to and its replica complete. */
  listening: Promise<void> | undefined
  /** Settles when the last snapshot that was asked for is in, or has failed. */
  lastSnapshot: Promise<void> = Promise.resolve()
  /** Redis has refused a part of it, which is tried again: what is in its place there may be nobody's. */
  isPartial = false
  /** Another node has found that Redis had lost it. */
  isLost = false
  /** It is being compared with Redis: what is missed meanwhile is in there, or found missing by the next event. */
  isChecking = false
  /** There was a snapshot. What changed since is known while Redis is. */
  isComplete = false
  #sequence = 0
  /** Events that came while a snapshot was on its way. */
  #early: RoomEvent[] | undefined

  constructor (name: string, watcher: Watcher | undefined, sessions: RoomSessions, news: RoomNews) {
    this.name = name
    this.watcher = watcher
    this.sessions = sessions
    this.news = news
  }

  /** From here on events wait for the snapshot. */
  expectSnapshot (): void {
    this.#early = []
  }

  /** There is none, and what waited for it is in the next one. */
  missSnapshot (): void {
    this.#early = undefined
  }

  /**
   * @param keepMissing whether those who are not in it are kept for now: after an outage the other nodes may not have brought
   *   theirs back yet
   */
  applySnapshot (sequence: number, all: readonly ReplicaEntry[], keepMissing: boolean): void {
    const present = new Set(all.map(({ id }) => id))
    if (!keepMissing) {
      for (const known of [...this.replica.values()]) {
        if (!present.has(known.id) && this.members.get(known.id) === undefined) this.#remove(known.id, known.registrationId)
      }
    }
    for (const known of all) this.#add(known)
    this.#sequence = sequence
    this.isComplete = true
    const early = this.#early ?? []
    this.#early = undefined
    for (const event of early) this.apply(event)
  }

  /** Takes an event in. False when one was missed, and a snapshot is needed. */
  apply (event: RoomEvent): boolean {
    if (this.#early !== undefined) {
      this.#early.push(event)
      return true
    }
    const { sequence } = event
    if (sequence <= this.#sequence) return true
    // A room that was empty begins anywhere.
    if (sequence > this.#sequence + 1 && this.#sequence !== 0) return false
    this.#sequence = sequence
    // A node that was declared dead brings its peers back: to itself they have not left.
    if (event.kind === 'joined') this.#add(event.member)
    else if (!this.#isStaying(event.id, event.registrationId)) this.#remove(event.id, event.registrationId)
    return true
  }

  /** Another node tells when it heard of its peer. */
  see (id: string, registrationId: string, seenAt: number): void {
    const known = this.replica.get(id)
    if (known?.registrationId !== registrationId || this.members.get(id) === known) return
    this.replica.set(id, { id, registrationId, presence: known.presence, info: known.info, place: known.place, seenAt })
  }

  /** A registration that no event will tell of, since Redis does not know it. */
  addHere (member: Registration): void {
    if (this.watcher === undefined) return
    const known = this.replica.get(member.id)
    this.replica.set(member.id, member)
    if (known?.presence !== member.presence) this.news.joined(member)
  }

  removeHere (member: Registration): void {
    this.#remove(member.id, member.registrationId)
  }

  #add (known: ReplicaEntry): void {
    const { id, registrationId } = known
    const pending = this.pending.get(id)
    const isOurs = pending?.member.registrationId === registrationId
    const here = isOurs ? pending.member : this.#local(id, registrationId)
    if (here !== undefined) {
      here.place = known.place
      here.presence = known.presence
    }
    const earlier = this.replica.get(id)
    if (earlier?.registrationId === registrationId) return
    if (isOurs) {
      pending.others = [...this.replica.values()].filter((peer) => peer.id !== id)
      pending.naming = this.news.naming()
    }
    this.replica.set(id, here ?? known)
    if (isOurs) {
      const { previous } = pending
      if (previous !== undefined && this.members.get(previous.id) === previous) this.members.delete(previous.id)
      pending.seen()
    }
    if (earlier?.presence !== known.presence) this.news.joined(here ?? known)
  }

  #isStaying (id: string, registrationId: string): boolean {
    const member = this.#local(id, registrationId)
    return member !== undefined && ![...this.pending.values()].some(({ previous: own }) => own === member)
  }

  #local (id: string, registrationId: string): Registration | undefined {
    const member = this.members.get(id)
    return member?.registrationId === registrationId ? member : undefined
  }

  #remove (id: string, registrationId: string): void {
    const known = this.replica.get(id)
    if (known?.registrationId !== registrationId) return
    this.replica.delete(id)
    this.news.left(known)
  }
}
