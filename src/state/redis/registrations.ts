import { type CloseCode, closeCodes } from '../../frame/close-codes.js'
import { andThen, type MaybePromise } from '../../timing/maybe-promise.js'
import type { Timers } from '../../timing/timers.js'
import { within } from '../../timing/within.js'
import type { CloseRequest, DisconnectOutcome, Grace, JoinRequest, Peer } from '../contract.js'
import { refusalBy } from '../local/exchange.js'
import type { JoinDecision } from '../membership.js'
import type { Away } from './away.js'
import type { Holders } from './holders.js'
import { RedisDown } from './link.js'
import { keptFrame, type KeptMail } from './mail.js'
import type { NodeMessage, ReplicaEntry } from './messages.js'
import { orIfDown, type RedisNode } from './node.js'
import { noteEmpty, watchLifetime } from './room-codes.js'
import { type LocalRoom, type Pending, Registration } from './room.js'
import type { LocalRooms } from './rooms.js'
import { goAway } from './scripts/away.js'
import { join, leave } from './scripts/membership.js'
import { restore, type RestoreAnswer, type RestoredAnswer } from './scripts/restoring.js'

/** How long the event of a join may take after Redis has answered the join. In ms. */
const eventTimeoutMs = 1_000
/** The least time between two registrations of one process, so that no two have the same. In ms. */
const minApartMs = 0.001

/** The parts of the Redis state that the others are made of. */
export interface Parts {
  /** Distinguishes the registrations of this process from those of others, whatever its node is called. */
  readonly process: string
  readonly node: RedisNode
  readonly rooms: LocalRooms
  readonly kept: KeptMail
  readonly timers: Timers
}

/**
 * The registrations of this node's peers. While Redis is reached, a script joins or leaves. Otherwise this node decides from its own
 * data, and restores its registrations in Redis later. It does not decide alone what only Redis can know.
 */
export class Registrations {
  readonly #process: string
  readonly #node: RedisNode
  readonly #rooms: LocalRooms
  readonly #kept: KeptMail
  readonly #timers: Timers
  readonly #holders: Holders
  readonly #away: Away
  /** Those who wait for their own node to be told that they are away, by registrationId. */
  readonly #going = new Map<string, () => void>()
  #count = 0
  #lastAt = 0

  constructor ({ process, node, rooms, kept, timers, holders, away }: Parts & { readonly holders: Holders, readonly away: Away }) {
    this.#process = process
    this.#node = node
    this.#rooms = rooms
    this.#kept = kept
    this.#timers = timers
    this.#holders = holders
    this.#away = away
  }

  join (request: JoinRequest): MaybePromise<JoinDecision> {
    if (this.#node.isUp) return this.#joinUp(request)
    if (!needsRedis(request)) return this.#joinWithout(request)
    return this.#node.comeBackSoon().then(() => this.#node.isUp ? this.#joinUp(request) : this.#joinWithout(request))
  }

  #joinUp (request: JoinRequest): Promise<JoinDecision> {
    return this.#joinShared(request).catch((error: unknown) => {
      orIfDown(error, undefined)
      const joined = this.#joinWithout(request)
      this.#rooms.refused(request.room, error)
      // Redis may or may not have executed the join. What it holds under this node's name is removed, or replaced.
      this.#node.mend(error)
      return joined
    })
  }

  async #joinShared (request: JoinRequest): Promise<JoinDecision> {
    const { id, leaving } = request
    const room = await this.#rooms.enter(request.room)
    for (let earlier = room.pending.get(id); earlier !== undefined; earlier = room.pending.get(id)) await earlier.done
    const member = this.#register(request)
    if (member.grace !== undefined) this.#away.use()
    const own = leaving instanceof Registration && leaving.room === request.room ? leaving : undefined
    const { pending, resolve } = pend(member, own)
    room.pending.set(id, pending)
    try {
      const keys = this.#node.link.keys.of(room.name)
      const othersElsewhere = room.watcher === undefined && (request.welcome?.length ?? 0) > 0 ? await this.#rooms.list(room.name) : []
      const answer = await join(this.#node.run, keys, {
        ...this.#recordOf(room, member),
        replace: request.replace,
        maxMembers: request.maxMembers ?? 0,
        requireOpen: request.requireOpen === true,
        isRecovering: needsRedis(request) && this.#node.isRecovering,
        own
      })
      const { outcome } = answer
      if (outcome === 'taken') return { outcome, isHeld: () => this.#holders.isHeld(room.name, id, answer.holder) }
      if (outcome !== 'joined') return { outcome }
      // Before the welcome, which cannot be taken back if Redis goes away here.
      if (request.requireOpen === true) await watchLifetime(this.#node, this.#timers, room, () => this.#expire(room))
      member.place = answer.place
      member.presence = answer.presence
      for (const batch of answer.batches) this.#kept.forget(batch)
      if (room.watcher !== undefined) await within(eventTimeoutMs, pending.wasSeen)
      if (own !== undefined && own.id !== id) this.#kept.forgetOf(room.name, own.id)
      if (own !== undefined && room.members.get(own.id) === own) room.members.delete(own.id)
      const others = room.watcher === undefined ? othersElsewhere : [...room.replica.values()]
      if (leaving instanceof Registration && own === undefined) await this.leave(leaving)
      this.#welcome(room, pending, request, pending.others ?? others.filter((peer) => peer.id !== id), answer.mail)
      return { outcome, member }
    } catch (error) {
      if (error instanceof RedisDown && needsRedis(request)) takeBack(room, pending)
      throw error
    } finally {
      if (room.pending.get(id) === pending) room.pending.delete(id)
      if (pending.naming !== undefined) room.news.answering(pending.naming)
      resolve()
      room.entering--
      this.#rooms.release(room)
    }
  }

  /** Completes a registration. The sink gets its welcome, then its mail, then the frames that arrived meanwhile. */
  #welcome (
    room: LocalRoom, pending: Pending, { welcome, sink }: JoinRequest, others: readonly Peer[], mail: readonly Buffer[]
  ): void {
    const { member, waiting, isReplaced, others: othersThen } = pending
    pending.naming ??= room.news.naming()
    const holder = room.members.get(member.id)
    room.pending.delete(member.id)
    room.members.set(member.id, member)
    if (holder !== undefined && holder.sink !== sink) holder.sink.close(closeCodes.replaced)
    if (welcome !== undefined) sink.deliver(welcome(others))
    for (const frame of [...mail.map(keptFrame), ...waiting]) sink.deliver(frame)
    const known = room.replica.get(member.id)
    // Our event has come, and the id is known under another registration since: it took ours over.
    if (isReplaced || (othersThen !== undefined && known !== undefined && known.registrationId !== member.registrationId)) {
      room.members.delete(member.id)
      sink.close(closeCodes.replaced)
    } else if (known?.registrationId !== member.registrationId) {
      room.addHere(member)
    }
  }

  /** Joins without Redis: this node decides from its own data. Conflicts with other nodes are resolved when Redis is back. */
  #joinWithout (request: JoinRequest): JoinDecision {
    if (needsRedis(request)) return { outcome: 'unavailable' }
    const { id, sink, leaving } = request
    let room = this.#rooms.get(request.room)
    const outcome = refusalBy(room?.members, request)
    const holder = room?.members.get(id)
    if (outcome === 'taken' && holder !== undefined) return { outcome, isHeld: () => this.#holders.isHeldHere(holder) }
    if (outcome !== undefined) return { outcome }
    if (leaving !== undefined && leaving !== holder) this.#leaveLocal(leaving as Registration)
    room = this.#rooms.here(request.room)
    const known: ReadonlyMap<string, Registration | ReplicaEntry> = room.watcher === undefined ? room.members : room.replica
    const member = this.#register(request)
    if (holder?.isReturning(request) === true && holder.looksLike(member)) member.presence = holder.presence
    member.place = known.get(id)?.place ?? member.place
    member.placedAt = holder?.placedAt ?? member.placedAt
    const others = [...known.values()].filter((peer) => peer.id !== id)
    room.members.set(id, member)
    const naming = room.news.naming()
    try {
      if (holder !== undefined && holder.sink !== sink) holder.sink.close(closeCodes.replaced)
      if (request.welcome !== undefined) sink.deliver(request.welcome(others))
      room.addHere(member)
      return { outcome: 'joined', member }
    } finally {
      room.news.returning(naming)
    }
  }

  leave (member: Registration, mayReturn = false): MaybePromise<boolean> {
    const room = this.#rooms.get(member.room)
    if (room?.members.get(member.id) !== member || member.isGoing) return false
    if (!this.#node.isUp) return mayReturn && member.grace !== undefined ? this.#goAwayLater(room, member) : this.#leaveLocal(member)
    if (mayReturn && member.grace !== undefined) return this.#goAway(room, member, member.grace)
    this.#end(room, member)
    const { id, registrationId } = member
    room.entering++
    const step = { room: room.name, id, registrationId, isWatched: room.watcher !== undefined }
    return leave(this.#node.run, this.#node.link.keys.of(room.name), step)
      .then(async ({ hasLeft, empty }) => {
        // Another's by now, who is announced instead.
        if (!hasLeft) return false
        // The event may come too late for a room that this was the last member of.
        room.removeHere(member)
        if (empty !== undefined) await noteEmpty(this.#node, room.name, empty).catch((error: unknown) => orIfDown(error, undefined))
        return true
      }, (error: unknown) => {
        this.#rooms.refused(room.name, error)
        this.#node.mend(error)
        room.removeHere(member)
        return true
      })
      .finally(() => {
        room.entering--
        this.#rooms.release(room)
      })
  }

  /** Has Redis keep the place. By then everything has come that was sent to the peer while its place was here. */
  async #goAway (room: LocalRoom, member: Registration, { ms }: Grace): Promise<boolean> {
    const { id, registrationId } = member
    member.isGoing = true
    room.going++
    room.entering++
    const wasTold = new Promise<void>((resolve) => { this.#going.set(registrationId, resolve) })
    try {
      const outcome = await goAway(this.#node.run, this.#node.link.keys.of(room.name), { room: room.name, id, registrationId })
      if (outcome === 'kept') await within(eventTimeoutMs, wasTold)
      if (outcome !== 'ended') this.#away.expect(ms)
      return outcome === 'kept'
    } catch (error) {
      this.#rooms.refused(room.name, error)
      this.#node.mend(error)
      room.removeHere(member)
      return true
    } finally {
      this.#going.delete(registrationId)
      if (room.members.get(id) === member) room.members.delete(id)
      room.going--
      room.entering--
      room.sessions.endOf(id)
      this.#rooms.release(room)
    }
  }

  /** After the node has stood still, Redis keeps the place once it knows the node again. While Redis is away, the peer has left. */
  async #goAwayLater (room: LocalRoom, member: Registration): Promise<boolean> {
    if (!this.#node.link.isUp) return this.#leaveLocal(member)
    member.isGoing = true
    room.going++
    await this.#node.comeBackSoon()
    member.isGoing = false
    room.going--
    return this.#node.isUp ? await this.leave(member, true) : this.#leaveLocal(member)
  }

  /** A place that was here is kept by Redis. */
  onAway ({ room: name, id, registrationId }: Extract<NodeMessage, { kind: 'away' }>): void {
    const room = this.#rooms.get(name)
    const member = room?.members.get(id)
    if (member?.registrationId === registrationId) room?.members.delete(id)
    this.#going.get(registrationId)?.()
  }

  #leaveLocal (member: Registration): boolean {
    const room = this.#rooms.get(member.room)
    if (room?.members.get(member.id) !== member) return false
    this.#end(room, member)
    room.removeHere(member)
    this.#rooms.release(room)
    return true
  }

  #end (room: LocalRoom, { id }: Registration): void {
    room.members.delete(id)
    room.sessions.endOf(id)
    this.#kept.forgetOf(room.name, id)
  }

  disconnect (room: string, id: string, ending: CloseRequest): MaybePromise<DisconnectOutcome> {
    const here = this.localMember(room, id)
    if (here instanceof Promise) return here.then(() => this.disconnect(room, id, ending))
    const { code, reason, by } = ending
    if (here !== undefined) {
      here.sink.close(code, reason, by)
      return 'closed'
    }
    if (!this.#node.isUp) return 'unreachable'
    return this.#node.outbox.ask(['disconnect', room, id, ''], JSON.stringify(ending)).then(async (sent) => {
      if (sent === 'away') return await this.#endAway(room, id)
      return sent === 'sent' ? 'closed' : sent === 'absent' ? 'absent' : 'unreachable'
    })
  }

  async #endAway (room: string, id: string): Promise<DisconnectOutcome> {
    const isWatched = this.#rooms.watcherOf(room) !== undefined
    try {
      const { hasLeft } = await leave(this.#node.run, this.#node.link.keys.of(room), { room, id, registrationId: undefined, isWatched })
      return hasLeft ? 'closed' : 'absent'
    } catch (error) {
      return orIfDown<DisconnectOutcome>(error, 'unreachable')
    }
  }

  #register (request: JoinRequest): Registration {
    this.#lastAt = Math.max(this.#timers.now(), this.#lastAt + minApartMs)
    return new Registration(request, `${this.#process}:${++this.#count}`, this.#lastAt, this.#node.clockOfRedis(this.#lastAt))
  }

  #expire (room: LocalRoom): void {
    for (const member of [...room.members.values()]) {
      andThen(this.leave(member), () => {})
      member.sink.close(closeCodes.roomExpired)
    }
  }

  async restore (room: LocalRoom, member: Registration): Promise<void> {
    // A join under the same id may replace it.
    await room.pending.get(member.id)?.done
    if (room.members.get(member.id) !== member) return
    if (member.isGoing) {
      const { id, registrationId } = member
      await goAway(this.#node.run, this.#node.link.keys.of(room.name), { room: room.name, id, registrationId })
      return
    }
    // What comes before the answer is newer than the mail that is in it.
    await member.hold(async () => await this.#restoreHere(room, member))
  }

  async #restoreHere (room: LocalRoom, member: Registration): Promise<void> {
    member.joinedAt ??= this.#node.clockOfRedis(member.registeredAt)
    member.place ??= this.#node.clockOfRedis(member.placedAt)
    const { maxMembers, place = 0, presence } = member
    const step = { ...this.#recordOf(room, member), place, presence, maxMembers, lifetime: room.lifetime?.text ?? '' }
    const answer = await restore(this.#node.run, this.#node.link.keys.of(room.name), step)
    if (answer.outcome === 'restored') return this.#restored(room, member, answer)
    if (room.members.get(member.id) !== member) return
    room.members.delete(member.id)
    member.sink.close(unrestored[answer.outcome])
    this.#rooms.release(room)
  }

  #restored ({ name }: LocalRoom, { id, sink }: Registration, { isKept, batches, mail }: RestoredAnswer): void {
    this.#node.counters.peersRestored++
    for (const batch of batches) this.#kept.forget(batch)
    for (const frame of mail) sink.deliver(keptFrame(frame))
    // To the others it had left, or Redis has lost its data: with that went what the room had kept of it.
    const lost = isKept ? undefined : this.#kept.forgetOf(name, id)
    const expired = lost?.expired?.()
    if (expired !== undefined) sink.deliver(expired)
  }

  /** The peer, if it is on this node. A promise while its join is pending. */
  localMember (name: string, id: string): Registration | Promise<void> | undefined {
    const room = this.#rooms.get(name)
    const member = room?.members.get(id)
    return room?.pending.get(id)?.done ?? (member?.isGoing === true ? undefined : member)
  }

  /** The registration as Redis holds it. */
  #recordOf (room: LocalRoom, member: Registration) {
    const { id, registrationId, owner, joinedAt = 0, seenAt, info, grace } = member
    return {
      node: this.#node.name,
      room: room.name,
      id,
      registrationId,
      owner: JSON.stringify(owner ?? null),
      // Known by the time that Redis is asked anything.
      joinedAt,
      seenAt,
      info: JSON.stringify(info),
      isWatched: room.watcher !== undefined,
      graceMs: grace?.ms ?? 0,
      as: JSON.stringify(grace?.as ?? null)
    }
  }
}

/** What a connection is closed with whose registration Redis does not take back. */
const unrestored: Record<Exclude<RestoreAnswer['outcome'], 'restored'>, CloseCode> = {
  taken: closeCodes.replaced,
  reopened: closeCodes.roomExpired,
  full: closeCodes.timeout
}

/** Whether only Redis can decide on the join: a bound or an opened room is for all nodes. */
function needsRedis ({ requireOpen, maxMembers, mayExceed }: JoinRequest): boolean {
  return requireOpen === true || (maxMembers !== undefined && mayExceed !== true)
}

/** Undoes what the event of a join has done here whose answer did not come. The connection's earlier place is its place again. */
function takeBack (room: LocalRoom, { member, previous, others }: Pending): void {
  if (others === undefined) return
  room.removeHere(member)
  if (previous === undefined) return
  room.members.set(previous.id, previous)
  room.addHere(previous)
}

function pend (member: Registration, own: Registration | undefined): { pending: Pending, resolve: () => void } {
  let seen = (): void => {}
  let resolve = (): void => {}
  const wasSeen = new Promise<void>((resolve) => { seen = resolve })
  const done = new Promise<void>((_resolve) => { resolve = _resolve })
  const nothingYet = { waiting: [], isReplaced: false, others: undefined, naming: undefined }
  return { pending: { ...nothingYet, member, previous: own, seen, wasSeen, done }, resolve }
}
