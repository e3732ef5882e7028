import { batchFrom, type Frame, type FrameLike, frameOf } from '../../frame/bytes.js'
import { andThen, type MaybePromise } from '../../timing/maybe-promise.js'
import type { Grace, JoinRequest, Member, Peer, PeerInfo, Peers, Sender, Sink, StateSize, Watcher } from '../contract.js'

const noInfo: PeerInfo = Object.freeze({})

/** A peer whose socket is on this node. */
export class LocalMember implements Member {
  readonly room: string
  readonly id: string
  readonly sink: Sink
  readonly info: PeerInfo
  readonly owner: string | undefined
  readonly undeliverable: JoinRequest['undeliverable']
  readonly grace: Grace | undefined

  constructor ({ room, id, sink, info = noInfo, owner, undeliverable, grace }: JoinRequest) {
    this.room = room
    this.id = id
    this.sink = sink
    this.info = info
    this.owner = owner
    this.undeliverable = undeliverable
    this.grace = grace
  }

  get seenAt (): number {
    return this.sink.seenAt
  }

  /** Whether its connection has ended, and its place is kept. */
  get isAway (): boolean {
    return false
  }

  /** Whether a join is that of this same peer, which comes back to its place. */
  isReturning ({ grace }: Pick<JoinRequest, 'grace'>): boolean {
    return this.grace !== undefined && this.grace.as === grace?.as
  }

  /** Whether others see a difference between two registrations of one peer. */
  looksLike ({ info }: Pick<Peer, 'info'>): boolean {
    const names = Object.keys(info)
    return names.length === Object.keys(this.info).length && names.every((name) => info[name] === this.info[name])
  }
}

/** A room's members on this node, by id, in the order they joined. */
export type LocalMembers<M extends LocalMember = LocalMember> = ReadonlyMap<string, M>

const nobody: LocalMembers = new Map()

/** The reason why the known members keep a peer from joining. Undefined if they do not. */
export function refusalBy (members: LocalMembers = nobody, request: JoinRequest): 'taken' | 'full' | undefined {
  const { id, sink, replace, owner, leaving, maxMembers = Infinity } = request
  const holder = members.get(id)
  if (holder !== undefined) {
    const mayReplace = replace && holder.owner === owner
    return holder.sink === sink || mayReplace || (holder.isAway && holder.isReturning(request)) ? undefined : 'taken'
  }
  const givesUpPlace = leaving?.room === request.room && members.get(leaving.id) === leaving
  return !givesUpPlace && members.size >= maxMembers ? 'full' : undefined
}

/** Whether a member still holds its id. One whose client is not there has left by the answer, but may return. */
export function isHeldBy (member: LocalMember, leave: Peers['leave']): MaybePromise<boolean> {
  if (member.sink.isThere === undefined) return true
  return andThen(member.sink.isThere(), (isThere) => isThere || andThen(leave(member, true), () => false))
}

export interface BroadcastOutcome {
  /** The number of receivers. */
  readonly count: number
  /** A member that reads too slowly and refused the frame, if any. */
  readonly refusedBy: string | undefined
}

export const noReceivers: BroadcastOutcome = { count: 0, refusedBy: undefined }

/** Delivers a frame to all members except the id `except`. */
export function deliverToAll (members: LocalMembers, frame: Frame, except: string | undefined, from: Sender | undefined): BroadcastOutcome {
  const isBroadcast = members.size > batchFrom
  let count = 0
  let refusedBy: string | undefined
  for (const { id, sink } of members.values()) {
    if (id === except) continue
    if (!sink.deliver(frame, isBroadcast, from) && sink.isBehind === true) refusedBy = id
    count++
  }
  return { count, refusedBy }
}

/** Delivers the member list of a room to its members, but for these sinks. Returns how many it was sent to. See `Sink.deliverList`. */
export function deliverList (
  room: string, members: LocalMembers, list: FrameLike, isOutdated: () => boolean, except?: ReadonlySet<Sink>
): number {
  const frame = frameOf(list)
  let count = 0
  for (const { sink } of members.values()) {
    if (except?.has(sink) === true) continue
    if (sink.deliverList === undefined) sink.deliver(frame, true)
    else sink.deliverList(room, frame, isOutdated)
    count++
  }
  return count
}

/** Whether a room has no members besides `id`. */
export function isAlone (members: LocalMembers, id: string | undefined): boolean {
  return members.size === 0 || (members.size === 1 && id !== undefined && members.has(id))
}

/** The sender in whose share a frame counts: its sink if it is a member on this node, else its id. */
export function senderIn (members: LocalMembers | undefined, from: string | undefined): Sender | undefined {
  return from === undefined || from === '' ? undefined : members?.get(from)?.sink ?? from
}

/** The sender in whose share news about a peer counts. Peers of other nodes share one: this node does not know their networks. */
export function senderAbout (peer: Peer | undefined): Sender | undefined {
  if (peer === undefined) return undefined
  return 'sink' in peer ? (peer as Member).sink : ''
}

/** The watchers of rooms, by dialect. */
export class Watchers {
  readonly #byDialect = new Map<string, WatcherGroup>()

  add (dialect: string, watcher: Watcher): void {
    const group = this.#byDialect.get(dialect)
    if (group === undefined) this.#byDialect.set(dialect, new WatcherGroup(watcher))
    else group.add(watcher)
  }

  of (room: string): Watcher | undefined {
    const slash = room.indexOf('/')
    return this.#byDialect.get(slash === -1 ? room : room.slice(0, slash))
  }
}

/** The watchers of one dialect as one. */
class WatcherGroup implements Watcher {
  readonly #watchers: Watcher[]

  constructor (first: Watcher) {
    this.#watchers = [first]
  }

  add (watcher: Watcher): void {
    this.#watchers.push(watcher)
  }

  get showsSeen (): boolean {
    return this.#watchers.some(({ showsSeen }) => showsSeen === true)
  }

  joined (room: string, peer: Peer): void {
    this.#tell((watcher) => watcher.joined?.(room, peer))
  }

  left (room: string, peer: Peer): void {
    this.#tell((watcher) => watcher.left?.(room, peer))
  }

  /** Throws what the first of them threw, once all have been told. */
  #tell (tell: (watcher: Watcher) => void): void {
    const errors: unknown[] = []
    for (const watcher of this.#watchers) {
      try {
        tell(watcher)
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}

interface CountedRoom {
  readonly members: LocalMembers
  readonly sessions: { readonly size: number } | undefined
}

/** The part of `StateSize` that is about this node's rooms. */
export function sizeOf (rooms: Iterable<CountedRoom>): Pick<StateSize, 'peers' | 'rooms' | 'largestRoom' | 'sessions'> {
  const size = { peers: 0, rooms: 0, largestRoom: 0, sessions: 0 }
  for (const { members, sessions } of rooms) {
    size.peers += members.size
    size.rooms++
    size.largestRoom = Math.max(size.largestRoom, members.size)
    size.sessions += sessions?.size ?? 0
  }
  return size
}
