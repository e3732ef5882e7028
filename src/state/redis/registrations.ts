import { closeCodes } from '../../frame/close-codes.js'
import { andThen, type MaybePromise } from '../../timing/maybe-promise.js'
import type { Timers } from '../../timing/timers.js'
import type { CloseRequest, DisconnectOutcome, JoinOutcome, JoinRequest, Peer, SendOutcome } from '../contract.js'
import { refusalBy } from '../local/exchange.js'
import { keptFrame, type KeptMail } from './mail.js'
import { orIfDown, type RedisNode } from './node.js'
import { type LeftEmpty, noteEmpty, watchLifetime } from './room-codes.js'
import { type LocalRoom, type Pending, Registration } from './room.js'
import type { LocalRooms } from './rooms.js'

/** How long the event of a join may take after Redis has answered the join. In ms. */
const eventTimeoutMs = 1_000
/** The least time between two registrations of one process, so that no two have the same. In ms. */
const minApartMs = 0.001

export interface RegistrationParts {
  /** Distinguishes the registrations of this process from those of others, whatever its node is called. */
  readonly process: string
  readonly node: RedisNode
  readonly rooms: LocalRooms
  readonly kept: KeptMail
  readonly timers: Timers
}

/**
 * The registrations of this node's peers. While Redis is reached, a script joins or leaves. Otherwise this node decides from its own
 * data, and restores its registrations in Redis later.
 */
export class Registrations {
  readonly #process: string
  readonly #node: RedisNode
  readonly #rooms: LocalRooms
  readonly #kept: KeptMail
  readonly #timers: Timers
  #count = 0
  #lastAt = 0

  constructor ({ process, node, rooms, kept, timers }: RegistrationParts) {
    this.#process = process
    this.#node = node
    this.#rooms = rooms
    this.#kept = kept
    this.#timers = timers
  }

  join (request: JoinRequest): MaybePromise<JoinOutcome> {
    if (!this.#node.isUp) return this.#joinLocal(request)
    return this.#joinShared(request).catch((error: unknown) => {
      orIfDown(error, undefined)
      const joined = this.#joinLocal(request)
      this.#rooms.refused(request.room, error)
      // Redis may or may not have executed the join.
      this.#node.mend(error)
      return joined
    })
  }

  async #joinShared (request: JoinRequest): Promise<JoinOutcome> {
    const { id, leaving } = request
    const room = await this.#rooms.enter(request.room)
    for (let earlier = room.pending.get(id); earlier !== undefined; earlier = room.pending.get(id)) await earlier.done
    const member = this.#register(request)
    const own = leaving instanceof Registration && leaving.room === request.room ? leaving : undefined
    const { pending, resolve } = pend(member, own)
    room.pending.set(id, pending)
    try {
      const keys = this.#node.link.keys.of(room.name)
      const othersElsewhere = room.watcher === undefined && (request.welcome?.length ?? 0) > 0 ? await this.#rooms.list(room.name) : []
      const answer = await this.#node.run('join', [keys.members, keys.sequence, keys.mail(id), keys.opened],
        id, this.#node.name, member.registrationId, ownerText(member), joinedAtOf(member), JSON.stringify(member.info), request.replace ? 1 : 0,
        request.maxMembers ?? 0, request.requireOpen === true ? 1 : 0, own?.registrationId ?? '', own?.id ?? '', this.#eventChannel(room),
        keys.nodePrefix, room.name, keys.sessions, member.seenAt) as Buffer[]
      const outcome = String(answer[0]) as JoinOutcome['outcome']
      if (outcome !== 'joined') return { outcome }
      const [, batches, ...mail] = answer
      for (const batch of String(batches).split(' ')) this.#kept.forget(batch)
      if (room.watcher !== undefined) await withTimeout(pending.wasSeen)
      if (own !== undefined && room.members.get(own.id) === own) room.members.delete(own.id)
      const others = room.watcher === undefined ? othersElsewhere : [...room.replica.values()]
      if (leaving instanceof Registration && own === undefined) await this.leave(leaving)
      this.#welcome(room, pending, request, pending.others ?? others.filter((peer) => peer.id !== id), mail)
      if (request.requireOpen === true) await watchLifetime(this.#node, this.#timers, room, () => this.#expire(room))
      return { outcome, member }
    } finally {
      if (room.pending.get(id) === pending) room.pending.delete(id)
      resolve()
      room.entering--
      this.#rooms.release(room)
    }
  }

  /** Completes a registration. The sink gets its welcome, then its mail, then the frames that arrived meanwhile. */
  #welcome (
    room: LocalRoom, { member, waiting, isReplaced, others: othersThen }: Pending, { welcome, sink }: JoinRequest,
    others: readonly Peer[], mail: readonly Buffer[]
  ): void {
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
  #joinLocal (request: JoinRequest): JoinOutcome {
    const { id, sink, leaving } = request
    let room = this.#rooms.get(request.room)
    if (request.requireOpen === true && room?.lifetime === undefined) return { outcome: 'missing' }
    const outcome = refusalBy(room?.members, request)
    if (outcome !== undefined) return { outcome }
    const holder = room?.members.get(id)
    if (leaving !== undefined && leaving !== holder) this.#leaveLocal(leaving as Registration)
    room = this.#rooms.here(request.room)
    const member = this.#register(request)
    room.members.delete(id)
    const others = [...(room.watcher === undefined ? room.members : room.replica).values()].filter((peer) => peer.id !== id)
    room.members.set(id, member)
    if (holder !== undefined && holder.sink !== sink) holder.sink.close(closeCodes.replaced)
    if (request.welcome !== undefined) sink.deliver(request.welcome(others))
    room.addHere(member)
    return { outcome: 'joined', member }
  }

  leave (member: Registration): MaybePromise<boolean> {
    const room = this.#rooms.get(member.room)
    if (room?.members.get(member.id) !== member) return false
    if (!this.#node.isUp) return this.#leaveLocal(member)
    room.members.delete(member.id)
    room.sessions.endOf(member.id)
    const { members, sequence, opened, sessions } = this.#node.link.keys.of(room.name)
    room.entering++
    return this.#node.run('leave', [members, sequence, opened], member.id, member.registrationId, this.#eventChannel(room), room.name, sessions)
      .then(async (answer) => {
        // Another registration has the id by now, and is announced instead.
        if (answer === 0) return false
        // The room is released with its last member, before the event may come.
        room.removeHere(member)
        if (answer !== 1) await noteEmpty(this.#node, room.name, answer as LeftEmpty).catch((error: unknown) => orIfDown(error, undefined))
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

  #leaveLocal (member: Registration): boolean {
    const room = this.#rooms.get(member.room)
    if (room?.members.get(member.id) !== member) return false
    room.members.delete(member.id)
    room.sessions.endOf(member.id)
    room.removeHere(member)
    this.#rooms.release(room)
    return true
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
    return this.#node.outbox.ask(['disconnect', room, id, ''], JSON.stringify(ending)).then((sent) => disconnected[sent ?? 'failed'])
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
    if (room.members.get(member.id) !== member) return
    const { members, sequence, opened, nodePrefix } = this.#node.link.keys.of(room.name)
    member.joinedAt ??= this.#node.clockOfRedis(member.registeredAt)
    const answer = await this.#node.run('restore', [members, sequence, opened], member.id, this.#node.name, member.registrationId, ownerText(member), joinedAtOf(member),
      JSON.stringify(member.info), this.#eventChannel(room), nodePrefix, room.name, room.lifetime?.text ?? '', member.seenAt)
    if (answer === 1) this.#node.counters.peersRestored++
    if (answer === 1 || room.members.get(member.id) !== member) return
    room.members.delete(member.id)
    member.sink.close(answer === 0 ? closeCodes.replaced : closeCodes.roomExpired)
    this.#rooms.release(room)
  }

  /** The peer, if it is on this node. A promise while its join is pending. */
  localMember (name: string, id: string): Registration | Promise<void> | undefined {
    const room = this.#rooms.get(name)
    return room?.pending.get(id)?.done ?? room?.members.get(id)
  }

  #eventChannel (room: LocalRoom): string {
    return room.watcher === undefined ? '' : this.#node.link.keys.of(room.name).channel
  }
}

/** The outcome of a disconnect, by the outcome of sending it to the peer's node. */
const disconnected: Record<SendOutcome, DisconnectOutcome> = { sent: 'closed', absent: 'absent', failed: 'unreachable' }

function ownerText ({ owner }: Registration): string {
  return JSON.stringify(owner ?? null)
}

/** Set before any script runs: the clock of Redis is known by then. */
function joinedAtOf ({ joinedAt = 0 }: Registration): number {
  return joinedAt
}

function pend (member: Registration, own: Registration | undefined): { pending: Pending, resolve: () => void } {
  let seen = (): void => {}
  let resolve = (): void => {}
  const wasSeen = new Promise<void>((resolve) => { seen = resolve })
  const done = new Promise<void>((_resolve) => { resolve = _resolve })
  return { pending: { member, previous: own, waiting: [], isReplaced: false, others: undefined, seen, wasSeen, done }, resolve }
}

async function withTimeout (promise: Promise<void>): Promise<void> {
  let timeout: NodeJS.Timeout | undefined
  await Promise.race([promise, new Promise<void>((resolve) => { timeout = setTimeout(resolve, eventTimeoutMs) })])
  clearTimeout(timeout)
}
