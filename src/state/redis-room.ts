import type { Timer } from '../timers.js'
import type { Join, Member, Peer, PeerInfo, Sink, Watcher, Wire } from './contract.js'
import { RoomSessions } from './memory-sessions.js'

const noInfo: PeerInfo = Object.freeze({})

/** A peer whose socket is on this node. */
export class Registration implements Member {
  readonly room: string
  readonly id: string
  readonly sink: Sink
  readonly info: PeerInfo
  readonly owner: string | undefined
  /** Stands for this registration, on whichever node and under whichever of its incarnations. */
  readonly epoch: string
  /** ms since the epoch, by this node's clock: who came last, when two nodes could not ask each other. */
  readonly joinedAt: number

  constructor ({ room, id, sink, info = noInfo, owner }: Join, epoch: string, joinedAt: number) {
    this.room = room
    this.id = id
    this.sink = sink
    this.info = info
    this.owner = owner
    this.epoch = epoch
    this.joinedAt = joinedAt
  }

  get seenAt (): number {
    return this.sink.seenAt
  }
}

/** A member of a room, on any node. */
export interface Known extends Peer {
  readonly epoch: string
}

/** A registration that Redis is being asked for. What arrives for it meanwhile waits. */
export interface Pending {
  readonly member: Registration
  readonly waiting: Wire[]
  /** Taken over already. */
  isReplaced: boolean
  /** The others, at the very moment it joined. */
  others: readonly Peer[] | undefined
  readonly seen: () => void
  readonly wasSeen: Promise<void>
  readonly done: Promise<void>
}

/** How an opened room lives, here and as Redis holds it. */
export interface Opened {
  readonly idleMs: number
  readonly emptyMs: number
  timer: Timer | undefined
}

/** An event of a room, as its scripts publish it. */
export type RoomEvent =
  | [kind: 'joined', sequence: number, room: string, id: string, epoch: string, joinedAt: string, info: string]
  | [kind: 'left', sequence: number, room: string, id: string, epoch: string]

/** What this node holds of a room it has members in: those members, and a replica of all. */
export class LocalRoom {
  readonly name: string
  /** Whether somebody here wants to know who comes and goes. Otherwise there are no events, and no replica. */
  readonly watcher: Watcher | undefined
  readonly members = new Map<string, Registration>()
  readonly pending = new Map<string, Pending>()
  readonly replica = new Map<string, Known>()
  readonly sessions: RoomSessions
  opened: Opened | undefined
  /** Joins on their way, which keep the room. */
  entering = 0
  /** Settles when the room is listened to and its replica complete. */
  listening: Promise<void> | undefined
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

  /**
   * @param keepMissing whether those who are not in it are kept for now: after an outage the other nodes may not have brought
   *   theirs back yet
   */
  applySnapshot (sequence: number, all: readonly Known[], keepMissing: boolean): void {
    const present = new Set(all.map(({ id }) => id))
    if (!keepMissing) {
      for (const known of [...this.replica.values()]) {
        if (!present.has(known.id) && this.members.get(known.id) === undefined) this.#remove(known.id, known.epoch)
      }
    }
    for (const known of all) this.#add(known)
    this.#sequence = sequence
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
    const [kind, sequence, , id, epoch] = event
    if (sequence <= this.#sequence) return true
    if (sequence > this.#sequence + 1) return false
    this.#sequence = sequence
    if (kind === 'left') this.#remove(id, epoch)
    else this.#add({ id, epoch, info: JSON.parse(event[6]) as PeerInfo, seenAt: Number(event[5]) })
    return true
  }

  /** A registration that no event will tell of, since Redis does not know it. */
  addHere (member: Registration): void {
    if (this.watcher === undefined) return
    this.replica.delete(member.id)
    this.replica.set(member.id, member)
    this.watcher.joined?.(this.name, member)
  }

  removeHere (member: Registration): void {
    this.#remove(member.id, member.epoch)
  }

  #add (known: Known): void {
    const { id, epoch } = known
    if (this.replica.get(id)?.epoch === epoch) return
    const pending = this.pending.get(id)
    const isOurs = pending?.member.epoch === epoch
    this.replica.delete(id)
    if (isOurs) pending.others = [...this.replica.values()]
    this.replica.set(id, isOurs ? pending.member : this.#local(id, epoch) ?? known)
    // Our own are announced once they have been welcomed.
    if (isOurs) pending.seen()
    else this.watcher?.joined?.(this.name, known)
  }

  #local (id: string, epoch: string): Registration | undefined {
    const member = this.members.get(id)
    return member?.epoch === epoch ? member : undefined
  }

  #remove (id: string, epoch: string): void {
    const known = this.replica.get(id)
    if (known?.epoch !== epoch) return
    this.replica.delete(id)
    this.watcher?.left?.(this.name, known)
  }
}
