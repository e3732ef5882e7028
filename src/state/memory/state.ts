import { type FrameLike, frameOf } from '../../frame/bytes.js'
import { closeCodes } from '../../frame/close-codes.js'
import type { MaybePromise } from '../../timing/maybe-promise.js'
import type { Timer, Timers } from '../../timing/timers.js'
import type {
  JoinRequest, Mail, MailboxLimits, Member, Origin, Peer, Peers, Relay, RoomMail, Rooms, Sender, SendOutcome,
  SessionSignal, Sink, State
} from '../contract.js'
import { memoryAttempts } from '../local/attempts.js'
import {
  type BroadcastOutcome, deliverList, deliverToAll, isAlone, isHeldBy, LocalMember, noReceivers, refusalBy, senderAbout, senderIn,
  sizeOf, Watchers
} from '../local/exchange.js'
import { Mailboxes } from '../local/mailboxes.js'
import { CodeDraw, maxEmptyOf } from '../local/room-codes.js'
import { anybody, mailForAnybody } from '../local/room-mail.js'
import { Sampling } from '../local/sampling.js'
import { RoomNews } from '../local/room-news.js'
import { RoomSessions } from '../local/sessions.js'
import { type JoinDecision, membershipOf } from '../membership.js'
import { AwayMember } from './away-member.js'

const nobody: readonly Member[] = []
/** The sender of a frame without one. No peer has this id. */
const nameless = ''

/** When an opened room expires. Times in ms. */
interface RoomLifetime {
  idleMs: number
  emptyMs: number
  by: string | undefined
  /** How many rooms opened by the same subject may be empty. */
  maxEmpty: number
  /** Postponed by every use. The timer reads it when it fires, so a frame need not reschedule the timer. */
  idleAt: number
  idle: Timer
  empty: Timer | undefined
}

interface Room {
  readonly name: string
  readonly members: Map<string, LocalMember>
  /** Those of them that are away, from the first one on. */
  away: Set<AwayMember> | undefined
  /** From the first draw on. */
  sampling: Sampling<LocalMember> | undefined
  /** From the first news on, if its dialect has a watcher. */
  news: RoomNews | undefined
  lifetime: RoomLifetime | undefined
  sessions: RoomSessions | undefined
}

/** The exchange of one process. No operation returns a promise, but a join for which the holder of an id is asked whether it is there. */
export function memoryState (timers: Timers, mailboxLimits: MailboxLimits, maxRoomsPerClient = Infinity): State {
  const rooms = new Map<string, Room>()
  const watchers = new Watchers()
  const attempts = memoryAttempts(timers)
  const codes = new CodeDraw(timers)
  /** Empty rooms by the subject that opened them, in the order they became empty. */
  const emptyRooms = new Map<string, Set<Room>>()
  const mailboxes = new Mailboxes(timers, mailboxLimits, ({ room, from, expired }) => {
    if (expired !== undefined) find(room, from)?.sink.deliver(expired())
  })

  function find (room: string, id: string): LocalMember | undefined {
    return rooms.get(room)?.members.get(id)
  }

  function add (name: string, lifetime?: RoomLifetime): Room {
    const room: Room = { name, members: new Map(), away: undefined, sampling: undefined, news: undefined, lifetime, sessions: undefined }
    rooms.set(name, room)
    return room
  }

  function newsOf (room: Room): RoomNews | undefined {
    const { name } = room
    if (watchers.of(name) === undefined) return undefined
    room.news ??= new RoomNews(name, () => watchers.of(name), timers)
    return room.news
  }

  function startIdle (room: Room, idleMs: number): Timer {
    return timers.schedule(idleMs, () => {
      if (room.lifetime === undefined) return
      const restMs = room.lifetime.idleAt - timers.now()
      if (restMs > 0) room.lifetime.idle = startIdle(room, restMs)
      else expire(room)
    })
  }

  function use ({ lifetime }: Room): void {
    if (lifetime !== undefined) lifetime.idleAt = timers.now() + lifetime.idleMs
  }

  function expire (room: Room): void {
    for (const member of [...room.members.values()]) {
      leave(member)
      member.sink.close(closeCodes.roomExpired)
    }
    remove(room)
  }

  function remove (room: Room): void {
    noteUsed(room)
    timers.cancel(room.lifetime?.idle)
    timers.cancel(room.lifetime?.empty)
    rooms.delete(room.name)
  }

  function noteEmpty (room: Room, { by, maxEmpty }: RoomLifetime): void {
    if (by === undefined) return
    const empty = emptyRooms.get(by) ?? new Set()
    emptyRooms.set(by, empty.add(room))
    const [first] = empty
    if (empty.size > maxEmpty && first !== undefined) remove(first)
  }

  function noteUsed (room: Room): void {
    const by = room.lifetime?.by
    if (by === undefined) return
    const empty = emptyRooms.get(by)
    empty?.delete(room)
    if (empty?.size === 0) emptyRooms.delete(by)
  }

  function join (request: JoinRequest): JoinDecision {
    const { id, sink, leaving, welcome } = request
    let room = rooms.get(request.room)
    if (request.requireOpen === true && room?.lifetime === undefined) return { outcome: 'missing' }
    const holder = room?.members.get(id)
    const outcome = refusalBy(room?.members, request)
    if (outcome === 'taken' && holder !== undefined) return { outcome, isHeld: () => isHeldBy(holder, leaveAndTell) }
    if (outcome !== undefined) return { outcome }
    const member = new LocalMember(request)
    const isReturning = holder?.isReturning(request) === true
    // Used before `leave`, which may remove the longest empty room.
    if (room !== undefined) noteUsed(room)
    if (leaving !== undefined && leaving !== holder) leave(leaving)
    // `leave` may have removed the room.
    room = rooms.get(request.room) ?? add(request.room)
    timers.cancel(room.lifetime?.empty)
    use(room)
    const news = newsOf(room)
    const naming = news?.naming() ?? 0
    try {
      const greeting = welcome?.(welcome.length > 0 ? [...room.members.values()].filter((other) => other !== holder) : nobody)
      // A takeover keeps the holder's sessions, and its place among the members.
      room.members.set(id, member)
      room.sampling?.set(member)
      if (holder !== undefined && holder.sink !== sink) holder.sink.close(closeCodes.replaced)
      if (holder instanceof AwayMember) giveUpPlace(room, holder)
      if (holder !== undefined && !isReturning) discardMail(holder)
      if (greeting !== undefined) sink.deliver(greeting)
      for (const frame of mailboxes.take(request.room, id)) sink.deliver(frame)
      for (const frame of mailboxes.take(request.room, anybody, id)) sink.deliver(frame)
      if (!isReturning || !holder?.looksLike(member)) news?.joined(member)
      return { outcome: 'joined', member }
    } finally {
      news?.returning(naming)
    }
  }

  function leave (member: Member, mayReturn = false): boolean {
    const room = rooms.get(member.room)
    const place = room?.members.get(member.id)
    if (room === undefined || place === undefined || place !== member) return false
    if (mayReturn && place.grace !== undefined) {
      keepPlace(room, place, place.grace.ms)
      return true
    }
    if (place instanceof AwayMember) {
      giveUpPlace(room, place)
      discardMail(place)
    }
    room.members.delete(member.id)
    room.sampling?.delete(member.id)
    room.sessions?.endOf(member.id)
    mailboxes.drop(member.room, anybody, member.id)
    if (room.members.size === 0) {
      const { lifetime } = room
      if (lifetime === undefined) {
        remove(room)
      } else {
        lifetime.empty = timers.schedule(lifetime.emptyMs, () => remove(room))
        noteEmpty(room, lifetime)
      }
    }
    newsOf(room)?.left(member)
    return true
  }

  function keepPlace (room: Room, member: LocalMember, ms: number): void {
    const away = new AwayMember(member, timers.schedule(ms, () => leave(away)))
    room.members.set(away.id, away)
    room.sampling?.set(away)
    room.away = (room.away ?? new Set()).add(away)
  }

  function giveUpPlace (room: Room, away: AwayMember): void {
    timers.cancel(away.timer)
    room.away?.delete(away)
  }

  function discardMail ({ room, id }: LocalMember): void {
    for (const from of mailboxes.discard(room, id)) find(room, from)?.undeliverable?.(id, 'expired')
  }

  function sample (name: string, count: number, except?: string): Peer[] {
    const room = rooms.get(name)
    if (room === undefined) return []
    room.sampling ??= new Sampling(room.members.values())
    return room.sampling.draw(count, except)
  }

  const peers = membershipOf({
    join,
    leave,
    disconnect (room, id, { code, reason, by }) {
      const member = find(room, id)
      if (member instanceof AwayMember) leave(member)
      else member?.sink.close(code, reason, by)
      return member === undefined ? 'absent' : 'closed'
    },
    list: (room) => [...rooms.get(room)?.members.values() ?? []],
    here: (room) => [...rooms.get(room)?.members.values() ?? []].filter((member) => !(member instanceof AwayMember)),
    sample,
    count: (room) => rooms.get(room)?.members.size ?? 0,
    roomNames: (prefix) => [...rooms.values()]
      .filter(({ name, members }) => members.size > 0 && name.startsWith(prefix))
      .map(({ name }) => name),
    watch: (dialect, watcher) => watchers.add(dialect, watcher)
  }, maxRoomsPerClient)

  function freeCode (prefix: string, digits: number): string | undefined {
    for (const draw of codes.draws(prefix, digits)) {
      const code = draw.find((code) => !rooms.has(prefix + code))
      if (code !== undefined) return code
    }
    return undefined
  }

  function leaveAndTell (...leaving: Parameters<Peers['leave']>): MaybePromise<boolean> {
    return peers.leave(...leaving)
  }

  const openRooms: Rooms = {
    open ({ prefix, digits, idleMs, emptyMs, by }) {
      const code = freeCode(prefix, digits)
      if (code === undefined) return undefined
      const room = add(prefix + code)
      room.lifetime = {
        idleMs,
        emptyMs,
        by,
        maxEmpty: maxEmptyOf(digits),
        idleAt: timers.now() + idleMs,
        idle: startIdle(room, idleMs),
        empty: timers.schedule(emptyMs, () => remove(room))
      }
      return code
    }
  }

  function send (room: string, to: string, frame: FrameLike, from?: string): SendOutcome {
    const members = rooms.get(room)?.members
    const member = members?.get(to)
    if (member === undefined) return 'absent'
    if (member instanceof AwayMember) return keepFor(member, frame, from) ? 'sent' : 'absent'
    return member.sink.deliver(frame, false, senderIn(members, from)) ? 'sent' : 'failed'
  }

  function keepFor ({ room, id }: AwayMember, frame: FrameLike, from = nameless): boolean {
    return mailboxes.keep({ room, from, to: id, frame, keepMs: Infinity })
  }

  function sendOrKeep (mail: Mail): SendOutcome | 'kept' | 'full' {
    if (find(mail.room, mail.to) instanceof AwayMember) return mailboxes.keep({ ...mail, keepMs: Infinity }) ? 'kept' : 'full'
    const sent = send(mail.room, mail.to, mail.frame, mail.from)
    if (sent !== 'absent') return sent
    return mailboxes.keep(mail) ? 'kept' : 'full'
  }

  function broadcastOrKeep (mail: RoomMail): number | 'kept' | 'full' {
    const { room, from, frame } = mail
    const count = broadcast(room, frame, from, { isSignal: true })
    if (count > 0) return count
    return find(room, from) !== undefined && mailboxes.keep(mailForAnybody(mail)) ? 'kept' : 'full'
  }

  function broadcast (name: string, frame: FrameLike, except?: string, { from = except, isSignal = false }: Origin = {}): number {
    const sender = from === undefined ? undefined : find(name, from)
    const { count, refusedBy } = deliverHere(name, () => frame, except, sender?.sink ?? from)
    if (!isSignal) return count
    if (refusedBy !== undefined) sender?.undeliverable?.(refusedBy, 'refused')
    for (const away of rooms.get(name)?.away ?? []) {
      if (away.id !== except && !keepFor(away, frame, from)) sender?.undeliverable?.(away.id, 'refused')
    }
    return count
  }

  function deliverHere (name: string, make: () => FrameLike, except: string | undefined, from: Sender | undefined): BroadcastOutcome {
    const room = rooms.get(name)
    if (room === undefined) return noReceivers
    use(room)
    return isAlone(room.members, except) ? noReceivers : deliverToAll(room.members, frameOf(make()), except, from)
  }

  function broadcastHere (name: string, make: () => FrameLike, except?: string, about?: Peer): void {
    deliverHere(name, make, except, senderAbout(about))
  }

  function listHere (name: string, make: () => FrameLike, isOutdated: () => boolean, except?: ReadonlySet<Sink>): number {
    const members = rooms.get(name)?.members
    return members === undefined || members.size === 0 ? 0 : deliverList(name, members, make(), isOutdated, except)
  }

  const relay: Relay = { send, sendOrKeep, broadcastOrKeep, broadcast, broadcastHere, listHere }

  function sendInSession ({ room: name, from, to, session: named, begins, idleMs, frame }: SessionSignal): SendOutcome | 'foreign' {
    const room = rooms.get(name)
    if (named !== undefined && room?.sessions?.[begins ? 'mayBegin' : 'mayUse'](named, from, to) === false) return 'foreign'
    const session = named ?? room?.sessions?.latest(from, to)
    const sent = send(name, to, frame(session), from)
    if (sent !== 'sent' || room === undefined || session === undefined) return sent
    if (begins) (room.sessions ??= new RoomSessions(timers)).begin(session, from, to, idleMs)
    else room.sessions?.touch(session, from, to, idleMs)
    return sent
  }

  return {
    peers,
    rooms: openRooms,
    relay,
    sessions: { send: sendInSession },
    attempts,
    isReady: true,
    size: () => ({ ...sizeOf(rooms.values()), mailboxes: mailboxes.size, mailboxBytes: mailboxes.bytes, attempts: attempts.size }),
    close () {}
  }
}
