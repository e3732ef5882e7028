import type { Timer } from '../../timing/timers.js'
import type { JoinRequest, Peer, PeerInfo, Sink, Watcher, FrameLike } from '../contract.js'
import { type LocalMember, noInfo } from '../local/exchange.js'
import { RoomSessions } from '../local/sessions.js'
import type { ReplicaEntry, RoomEvent } from './messages.js'

/** A peer whose socket is on this node. */
export class Registration implements LocalMember {
  readonly room: string
  readonly id: string
  readonly sink: Sink
  readonly info: PeerInfo
  readonly owner: string | undefined
  readonly undeliverable: ((to: string) => void) | undefined
  /** Stands for this registration, on whichever node and under whichever of its incarnations. */
  readonly registrationId: string
  /** When it came: by this process's monotonic clock, and no two at once. */
  readonly registeredAt: number
  /** The same by the clock of Redis, which all nodes can compare. Undefined until this node has seen that clock. */
  joinedAt: number | undefined
  /** What the other nodes were told of `seenAt`. */
  toldAt: number

  constructor ({ room, id, sink, info = noInfo, owner, undeliverable }: JoinRequest, epoch: string, registeredAt: number, joinedAt: number | undefined) {
    this.room = room
    this.id = id
    this.sink = sink
    this.info = info
    this.owner = owner
    this.undeliverable = undeliverable
    this.registrationId = epoch
    this.registeredAt = registeredAt
    this.joinedAt = joinedAt
    this.toldAt = sink.seenAt
  }

  get seenAt (): number {
    return this.sink.seenAt
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
  lifetime: RoomLifetime | undefined
  /** Joins on their way, which keep the room. */
  entering = 0
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

  constructor (name: string, watcher: Watcher | undefined, sessions: RoomSessions) {
    this.name = name
    this.watcher = watcher
    this.sessions = sessions
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
    else if (!this.#isStaying(event.id, event.epoch)) this.#remove(event.id, event.epoch)
    return true
  }

  /** Another node tells when it heard of its peer. */
  see (id: string, epoch: string, seenAt: number): void {
    const known = this.replica.get(id)
    if (known?.registrationId === epoch && this.members.get(id) !== known) this.replica.set(id, { id, registrationId: epoch, info: known.info, seenAt })
  }

  /** A registration that no event will tell of, since Redis does not know it. */
  addHere (member: Registration): void {
    if (this.watcher === undefined) return
    this.replica.delete(member.id)
    this.replica.set(member.id, member)
    this.watcher.joined?.(this.name, member)
  }

  removeHere (member: Registration): void {
    this.#remove(member.id, member.registrationId)
  }

  #add (known: ReplicaEntry): void {
    const { id, registrationId: epoch } = known
    if (this.replica.get(id)?.registrationId === epoch) return
    const pending = this.pending.get(id)
    const isOurs = pending?.member.registrationId === epoch
    this.replica.delete(id)
    if (isOurs) pending.others = [...this.replica.values()]
    this.replica.set(id, isOurs ? pending.member : this.#local(id, epoch) ?? known)
    if (isOurs) {
      if (pending.previous !== undefined && this.members.get(pending.previous.id) === pending.previous) this.members.delete(pending.previous.id)
      pending.seen()
    }
    this.watcher?.joined?.(this.name, this.replica.get(id) as ReplicaEntry)
  }

  #isStaying (id: string, epoch: string): boolean {
    const member = this.#local(id, epoch)
    return member !== undefined && ![...this.pending.values()].some(({ previous: own }) => own === member)
  }

  #local (id: string, epoch: string): Registration | undefined {
    const member = this.members.get(id)
    return member?.registrationId === epoch ? member : undefined
  }

  #remove (id: string, epoch: string): void {
    const known = this.replica.get(id)
    if (known?.registrationId !== epoch) return
    this.replica.delete(id)
    this.watcher?.left?.(this.name, known)
  }
}
