import { randomUUID } from 'node:crypto'
import type { Log } from '../../telemetry/log.js'
import { closeCodes } from '../../frame/close-codes.js'
import { andThen, type MaybePromise } from '../../timing/maybe-promise.js'
import type { Timer, Timers } from '../../timing/timers.js'
import { batchFrom, frameOf, payloadOf } from '../../frame/bytes.js'
import type { DisconnectOutcome, CloseRequest, JoinRequest, JoinOutcome, Mail, MailboxLimits, Origin, Peer, Peers, Relay, Rooms, Sender, SendOutcome, Sessions, SessionSignal, State, StateCounters, FrameLike } from '../contract.js'
import { deliverList, isAlone, withMembershipLimit, senderAbout } from '../membership.js'
import { redisAttempts } from './attempts.js'
import { RedisLink, RedisRefused } from './link.js'
import { sharesOf } from '../local/mail-shares.js'
import type { Kept } from '../local/mailboxes.js'
import { keptFrame, KeptMail } from './mail.js'
import { headOf, type LetterHead, letterOf, type NodeMessage, type Probe, restoreRequestOf } from './messages.js'
import { inBatches, RedisNode, orIfDown } from './node.js'
import { type LeftEmpty, noteEmpty, redisRooms, watchLifetime } from './room-codes.js'
import { type LocalRoom, type Pending, Registration } from './room.js'
import { LocalRooms } from './rooms.js'

/** How long the event of a join that Redis has answered may take. In ms. */
const eventTimeoutMs = 1_000
/** Of one process, no two registrations are at once. In ms. */
const leastApartMs = 0.001

export interface RedisStateOptions {
  /** One Redis, or several nodes of a cluster. */
  urls: readonly string[]
  /** ms after which a node that does not renew counts as dead. */
  leaseMs: number
  mailboxes: MailboxLimits
  /** Most rooms that a connection may be in. */
  maxRoomsPerClient?: number
  timers: Timers
  log: Log
}

export interface RedisState extends State {
  readonly counters: StateCounters
  readonly link: RedisLink
}

/** The exchange of all nodes on one Redis. Without Redis the peers of this node still reach each other. */
export async function redisState (options: RedisStateOptions): Promise<RedisState> {
  const state = new RedisExchange(options)
  await state.start()
  return state
}

class RedisExchange implements RedisState {
  readonly link: RedisLink
  readonly peers: Peers
  readonly rooms: Rooms
  readonly attempts: ReturnType<typeof redisAttempts>
  readonly #options: RedisStateOptions
  readonly #node: RedisNode
  readonly #rooms: LocalRooms
  readonly #kept: KeptMail
  /** Tells registrations and messages of this process from those of others, whatever its node is called. */
  readonly #process = randomUUID()
  #registrations = 0
  #registeredAt = 0
  #check: Timer | undefined

  constructor (options: RedisStateOptions) {
    this.#options = options
    this.link = new RedisLink(options.urls, options.log)
    this.#node = new RedisNode(this.link, options)
    this.#rooms = new LocalRooms(this.#node, options.timers)
    this.#kept = new KeptMail(options.timers, options.mailboxes, (mail, batch) => { this.#expireMail(mail, batch).catch((error: unknown) => options.log.error({ err: error }, 'mail')) })
    this.peers = withMembershipLimit({
      join: (request) => this.#join(request),
      leave: (member) => this.#leave(member as Registration),
      disconnect: (room, id, ending) => this.#disconnect(room, id, ending),
      list: (room) => this.#rooms.list(room),
      count: (room) => this.#rooms.count(room),
      roomNames: (prefix) => this.#rooms.names(prefix),
      watch: (dialect, watcher) => this.#rooms.watch(dialect, watcher)
    }, options.maxRoomsPerClient)
    this.rooms = redisRooms(this.#node, options.timers)
    this.attempts = redisAttempts(this.#node, options.timers)
  }

  get isReady (): boolean {
    return this.#node.isReady
  }

  get counters (): StateCounters {
    const { connects, roundTripMs, skipped, refused } = this.link
    return { ...this.#node.counters, reconnects: Math.max(0, connects - 1), roundTripMs, messagesSkipped: skipped, commandsRefused: refused }
  }

  async start (): Promise<void> {
    await this.#node.start({
      onMessage: (message) => this.#onMessage(message),
      onDown: () => this.#rooms.onDown(),
      bringBack: async (isEmptied) => await this.#bringBack(isEmptied),
      bringBackRest: async () => await this.#bringBackRest(),
      onRenewed: async () => await this.#rooms.tellSeen(),
      isWatched: (room) => this.#rooms.watcherOf(room) !== undefined
    })
  }

  readonly relay: Relay = {
    send: (room, to, frame, from) => this.#send(room, to, frame, from),
    sendOrKeep: (mail) => this.#sendOrKeep(mail),
    broadcast: (room, frame, except, origin) => this.#broadcast(room, frame, except, origin),
    broadcastHere: (room, make, except, about) => { this.#broadcastHere(room, make, except, senderAbout(about)) },
    listHere: (room, make, isOutdated) => this.#listHere(room, make, isOutdated)
  }

  readonly sessions: Sessions = { send: (signal) => this.#sendInSession(signal) }

  size () {
    const rooms = this.#rooms.all
    return {
      peers: rooms.reduce((sum, { members }) => sum + members.size, 0),
      rooms: rooms.length,
      largestRoom: rooms.reduce((most, { members }) => Math.max(most, members.size), 0),
      mailboxes: this.#kept.size,
      mailboxBytes: this.#kept.bytes,
      sessions: rooms.reduce((sum, { sessions }) => sum + sessions.size, 0),
      attempts: this.attempts.size
    }
  }

  async close (): Promise<void> {
    await inBatches(this.#rooms.all.flatMap(({ members }) => [...members.values()]), async (member) => await this.#leave(member))
    await this.#node.close()
  }

  // Joining and leaving.

  #join (request: JoinRequest): MaybePromise<JoinOutcome> {
    if (!this.#node.isUp) return this.#joinHere(request)
    return this.#joinEverywhere(request).catch((error: unknown) => {
      orIfDown(error, undefined)
      const joined = this.#joinHere(request)
      this.#rooms.refused(request.room, error)
      // Redis may know of it or not.
      this.#node.mend(error)
      return joined
    })
  }

  async #joinEverywhere (request: JoinRequest): Promise<JoinOutcome> {
    const { id, leaving } = request
    const room = await this.#rooms.enter(request.room)
    for (let earlier = room.pending.get(id); earlier !== undefined; earlier = room.pending.get(id)) await earlier.done
    const member = this.#register(request)
    const own = leaving instanceof Registration && leaving.room === request.room ? leaving : undefined
    const { pending, settle } = pend(member, own)
    room.pending.set(id, pending)
    try {
      const keys = this.link.keys.of(room.name)
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
      if (leaving instanceof Registration && own === undefined) await this.#leave(leaving)
      this.#welcome(room, pending, request, pending.others ?? others.filter((peer) => peer.id !== id), mail)
      if (request.requireOpen === true) await watchLifetime(this.#node, this.#options.timers, room, () => this.#expire(room))
      return { outcome, member }
    } finally {
      if (room.pending.get(id) === pending) room.pending.delete(id)
      settle()
      room.entering--
      this.#rooms.release(room)
    }
  }

  /** The registration holds: first its welcome, then its mail, then what came meanwhile. */
  #welcome (room: LocalRoom, { member, waiting, isReplaced, others: othersThen }: Pending, { welcome, sink }: JoinRequest, others: readonly Peer[], mail: readonly Buffer[]): void {
    const holder = room.members.get(member.id)
    room.pending.delete(member.id)
    room.members.set(member.id, member)
    if (holder !== undefined && holder.sink !== sink) holder.sink.close(closeCodes.replaced)
    if (welcome !== undefined) sink.deliver(welcome(others))
    for (const frame of [...mail.map(keptFrame), ...waiting]) sink.deliver(frame)
    const known = room.replica.get(member.id)
    // Whoever is known under the id without our event having come was there before us.
    if (isReplaced || (othersThen !== undefined && known !== undefined && known.registrationId !== member.registrationId)) {
      room.members.delete(member.id)
      sink.close(closeCodes.replaced)
    } else if (known?.registrationId !== member.registrationId) {
      room.addHere(member)
    }
  }

  /** Without Redis: what is known here decides. It is settled with the others when Redis is back. */
  #joinHere (request: JoinRequest): JoinOutcome {
    const { id, sink, leaving, maxMembers = Infinity } = request
    let room = this.#rooms.get(request.room)
    if (request.requireOpen === true && room?.lifetime === undefined) return { outcome: 'missing' }
    const holder = room?.members.get(id)
    if (holder !== undefined && holder.sink !== sink && (!request.replace || holder.owner !== request.owner)) return { outcome: 'taken' }
    const givesUpPlace = leaving !== undefined && this.#rooms.get(leaving.room)?.members.get(leaving.id) === leaving && leaving.room === request.room
    if (holder === undefined && !givesUpPlace && (room?.members.size ?? 0) >= maxMembers) return { outcome: 'full' }
    if (leaving !== undefined && leaving !== holder) this.#leaveHere(leaving as Registration)
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

  #leave (member: Registration): MaybePromise<boolean> {
    const room = this.#rooms.get(member.room)
    if (room?.members.get(member.id) !== member) return false
    if (!this.#node.isUp) return this.#leaveHere(member)
    room.members.delete(member.id)
    room.sessions.endOf(member.id)
    const { members, sequence, opened, sessions } = this.link.keys.of(room.name)
    room.entering++
    return this.#node.run('leave', [members, sequence, opened], member.id, member.registrationId, this.#eventChannel(room), room.name, sessions)
      .then(async (answer) => {
        // Another's by now, who is announced instead.
        if (answer === 0) return false
        // The event may come too late for a room that this was the last member of.
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

  #leaveHere (member: Registration): boolean {
    const room = this.#rooms.get(member.room)
    if (room?.members.get(member.id) !== member) return false
    room.members.delete(member.id)
    room.sessions.endOf(member.id)
    room.removeHere(member)
    this.#rooms.release(room)
    return true
  }

  #disconnect (room: string, id: string, ending: CloseRequest): MaybePromise<DisconnectOutcome> {
    const here = this.#hereOrSoon(room, id)
    if (here instanceof Promise) return here.then(() => this.#disconnect(room, id, ending))
    const { code, reason, by } = ending
    if (here !== undefined) {
      here.sink.close(code, reason, by)
      return 'closed'
    }
    if (!this.#node.isUp) return 'unreachable'
    return this.#node.outbox.ask(['disconnect', room, id, ''], JSON.stringify(ending)).then((sent) => disconnected[sent ?? 'failed'])
  }

  #register (request: JoinRequest): Registration {
    this.#registeredAt = Math.max(performance.now(), this.#registeredAt + leastApartMs)
    return new Registration(request, `${this.#process}:${++this.#registrations}`, this.#registeredAt, this.#node.clockOfRedis(this.#registeredAt))
  }

  #expire (room: LocalRoom): void {
    for (const member of [...room.members.values()]) {
      andThen(this.#leave(member), () => {})
      member.sink.close(closeCodes.roomExpired)
    }
  }

  // Frames.

  #send (room: string, to: string, frame: FrameLike, from = ''): MaybePromise<SendOutcome> {
    const here = this.#hereOrSoon(room, to)
    if (here instanceof Promise) return here.then(() => this.#send(room, to, frame, from))
    if (here !== undefined) return here.sink.deliver(frame, false, this.#senderIn(room, from)) ? 'sent' : 'failed'
    if (!this.#node.isUp) return 'absent'
    const local = this.#rooms.get(room)
    const sender = local?.replica.has(to) === true ? local.members.get(from) : undefined
    const { outbox } = this.#node
    const head: LetterHead = ['frame', room, to, from]
    const sent = sender?.undeliverable === undefined ? outbox.ask(head, frame) : outbox.send(head, frame, sender.undeliverable)
    return andThen(sent, (sent) => sent ?? 'absent')
  }

  #sendOrKeep (mail: Mail): MaybePromise<SendOutcome | 'kept' | 'full'> {
    const { room, from, to, frame } = mail
    const here = this.#hereOrSoon(room, to)
    if (here instanceof Promise) return here.then(() => this.#sendOrKeep(mail))
    if (here !== undefined) return here.sink.deliver(frame, false, this.#senderIn(room, from)) ? 'sent' : 'failed'
    if (!this.#node.isUp) return 'full'
    // Most receivers are there: to keep a frame costs a second round trip.
    return this.#node.outbox.ask(['frame', room, to, from], frame).then((sent) => {
      if (sent !== 'absent') return sent ?? 'full'
      return this.#hereOrSoon(room, to) === undefined ? this.#keep(mail) : this.#sendOrKeep(mail)
    })
  }

  /** One step, so that a receiver that has come meanwhile gets the frame, once. */
  async #keep (mail: Mail): Promise<SendOutcome | 'kept' | 'full'> {
    const { room, from, to, keepMs } = mail
    const frame = frameOf(mail.frame)
    const weight = this.#kept.reserve(mail)
    if (weight === undefined) return 'full'
    const keys = this.link.keys.of(room)
    const { maxMessages, maxBytes } = this.#options.mailboxes
    const { sender, origin } = sharesOf(this.#options.mailboxes)
    let isKept = false
    // Whoever finds it tells the node that it is named after.
    const batch = `${this.#node.name}/${randomUUID()}`
    try {
      const answer = await this.#node.run('sendOrKeep', [keys.members, keys.mail(to)], to, letterOf(['frame', room, to, from], frame), keys.nodePrefix, from, frame.payload, keepMs, batch,
        maxMessages, maxBytes, sender.messages, sender.bytes, origin.messages, origin.bytes, mail.origin ?? '')
      const [sent, name] = (answer as Buffer[]).map(String)
      isKept = sent === 'kept'
      if (isKept) this.#kept.add(mail, weight, name as string, name === batch)
      return sent as SendOutcome | 'kept' | 'full'
    } catch (error) {
      return orIfDown<'full'>(error, 'full')
    } finally {
      if (!isKept) this.#kept.giveBack(mail, weight)
    }
  }

  async #expireMail ({ room, to, from, expired }: Kept, batch: string): Promise<void> {
    let count = 1
    try {
      count = Number(await this.#node.run('expireMail', [this.link.keys.of(room).mail(to)], from, batch))
    } catch (error) {
      // Whether somebody took it nobody can say: better told twice than never.
      orIfDown(error, undefined)
    }
    if (count > 0) await this.#send(room, from, expired())
  }

  #broadcast (name: string, frame: FrameLike, except?: string, { from = except, isSignal = false }: Origin = {}): MaybePromise<number> {
    const { count, refusedBy } = this.#broadcastHere(name, () => frame, except, this.#senderIn(name, from))
    if (isSignal && refusedBy !== undefined) this.#onLost(name, from ?? '', refusedBy)
    const room = this.#rooms.get(name)
    const isAllHere = room?.watcher !== undefined && room.lifetime === undefined && room.pending.size === 0 && room.replica.size === room.members.size && room.members.size > 0
    if (isAllHere || !this.#node.isUp) return count
    const { members, opened, channel } = this.link.keys.of(name)
    return this.#node.run('broadcast', [members, opened], channel, letterOf([isSignal ? 'signal' : 'all', name, except ?? '', `${this.#process} ${from ?? ''}`], frame))
      .then((all): number => Number(all) - (except === undefined ? 0 : 1), (error: unknown) => {
        this.#rooms.refused(name, error)
        return orIfDown(error, count)
      })
  }

  /** Answers how many there were, and who of them, if any, reads too slowly to get it. */
  #broadcastHere (name: string, make: () => FrameLike, except: string | undefined, from: Sender | undefined): { count: number, refusedBy: string | undefined } {
    let count = 0
    let refusedBy: string | undefined
    const room = this.#rooms.get(name)
    if (room === undefined || (room.pending.size === 0 && isAlone(room.members, except))) return { count, refusedBy }
    const frame = frameOf(make())
    const isForMany = room.members.size > batchFrom
    for (const member of room.members.values()) {
      if (member.id === except) continue
      if (!member.sink.deliver(frame, isForMany, from) && member.sink.isBehind === true) refusedBy = member.id
      count++
    }
    this.#addForPending(room, frame, except)
    return { count, refusedBy }
  }

  #listHere (name: string, make: () => FrameLike, isOutdated: () => boolean): number {
    const room = this.#rooms.get(name)
    if (room === undefined || (room.members.size === 0 && room.pending.size === 0)) return 0
    const list = frameOf(make())
    this.#addForPending(room, list)
    return deliverList(name, room.members, list, isOutdated)
  }

  /** Those who have joined for all others but have not been welcomed yet must not miss it. */
  #addForPending (room: LocalRoom, frame: FrameLike, except?: string): void {
    for (const { member: { id, sink }, previous: own, others, waiting } of room.pending.values()) {
      if (id === except || (room.watcher !== undefined && others === undefined)) continue
      if (room.members.get(id)?.sink !== sink && (own === undefined || room.members.get(own.id) !== own)) waiting.push(frame)
    }
  }

  #sendInSession (signal: SessionSignal): MaybePromise<SendOutcome | 'foreign'> {
    const { room: name, from, to, session, begins, idleMs, frame } = signal
    const here = this.#hereOrSoon(name, to)
    if (here instanceof Promise) return here.then(() => this.#sendInSession(signal))
    const known = here === undefined ? undefined : this.#rooms.get(name)?.sessions
    const resolved = session ?? known?.latest(from, to)
    const deliverHere = (session: string | undefined, isTold: boolean): SendOutcome => {
      if (here?.sink.deliver(frame(session), false, this.#senderIn(name, from)) !== true) return 'failed'
      if (session !== undefined && begins) known?.begin(session, from, to, idleMs)
      else if (session !== undefined) known?.touch(session, from, to, idleMs, isTold)
      return 'sent'
    }
    // Two peers of this node, in a session of theirs. Redis hears of its use now and then.
    if (here !== undefined && resolved !== undefined && !begins && known?.wasTold(resolved, from, to, idleMs / 20) === true) return deliverHere(resolved, false)
    if (!this.#node.isUp) {
      if (here === undefined) return 'absent'
      return session !== undefined && known?.[begins ? 'mayBegin' : 'mayUse'](session, from, to) === false ? 'foreign' : deliverHere(resolved, false)
    }
    const { members, nodePrefix, sessions } = this.link.keys.of(name)
    const withoutSession = frameOf(frame(undefined))
    const [head = '', tail = ''] = String(payloadOf(frame(marker))).split(JSON.stringify(marker))
    return this.#node.run('sendInSession', [members], from, to, session === undefined ? '' : JSON.stringify(session), begins ? 1 : 0, idleMs,
      headOf(['frame', name, to, from], withoutSession.type), head, tail, withoutSession.payload, here === undefined ? nodePrefix : '', sessions)
      .then((answer) => {
        const [sent, bound] = (answer as Buffer[]).map(String) as [SendOutcome | 'foreign', string]
        if (here === undefined || sent !== 'sent') return sent
        const delivered = deliverHere(bound === '' ? undefined : JSON.parse(bound) as string, true)
        if (delivered === 'sent' || !begins) return delivered
        return this.#node.run('endSession', [members], from, to, bound, sessions).then(() => delivered)
      }, (error: unknown) => orIfDown<SendOutcome>(error, here === undefined ? 'absent' : deliverHere(resolved, false)))
  }

  /** The peer, if it is on this node; a promise while it is about to be, or not. */
  #hereOrSoon (name: string, id: string): Registration | Promise<void> | undefined {
    const room = this.#rooms.get(name)
    return room?.pending.get(id)?.done ?? room?.members.get(id)
  }

  #senderIn (room: string, from = ''): Sender | undefined {
    return from === '' ? undefined : this.#rooms.get(room)?.members.get(from)?.sink ?? from
  }

  // What Redis tells this node.

  #onMessage (message: Exclude<NodeMessage, Probe>): void {
    switch (message.kind) {
      case 'frame': return this.#onFrame(message)
      case 'all': return this.#onAll(message)
      case 'lost': return this.#onLost(message.room, message.to, message.from)
      case 'disconnect': return this.#onDisconnect(message)
      case 'close': return this.#onClose(message)
      case 'found': return this.#kept.forget(message.batch)
      case 'seen': return this.#rooms.onSeen(message)
      case 'restore': {
        const room = this.#rooms.get(message.room)
        if (room !== undefined && message.process !== this.#process) room.isLost = true
        return
      }
      case 'joined':
      case 'left': return this.#rooms.onEvent(message)
    }
  }

  #onFrame ({ room: name, to, from, frame }: Extract<NodeMessage, { kind: 'frame' }>): void {
    const room = this.#rooms.get(name)
    const pending = room?.pending.get(to)
    if (pending !== undefined) {
      pending.waiting.push(frame)
      return
    }
    if (room?.members.get(to)?.sink.deliver(frame, false, this.#senderIn(name, from)) === true) return
    this.#node.counters.framesDropped++
    if (from === '' || !this.#node.isUp) return
    this.#node.outbox.tell(['lost', name, from, to])
  }

  #onAll ({ room, except, process, from, isSignal, frame }: Extract<NodeMessage, { kind: 'all' }>): void {
    if (process === this.#process) return
    const { refusedBy } = this.#broadcastHere(room, () => frame, except, this.#senderIn(room, from))
    if (isSignal && refusedBy !== undefined && this.#node.isUp) this.#node.outbox.tell(['lost', room, from, refusedBy])
  }

  #onLost (room: string, from: string, to: string): void {
    this.#rooms.get(room)?.members.get(from)?.undeliverable?.(to)
  }

  #onClose ({ room: name, id, epoch, code }: Extract<NodeMessage, { kind: 'close' }>): void {
    const room = this.#rooms.get(name)
    const pending = room?.pending.get(id)
    if (pending?.member.registrationId === epoch) pending.isReplaced = true
    const member = room?.members.get(id)
    if (room === undefined || member?.registrationId !== epoch) return
    room.members.delete(id)
    member.sink.close(code)
    this.#rooms.release(room)
  }

  #onDisconnect (message: Extract<NodeMessage, { kind: 'disconnect' }>): void {
    const { room, to, ending: { code, reason, by } } = message
    const here = this.#hereOrSoon(room, to)
    if (here instanceof Promise) here.then(() => this.#onDisconnect(message)).catch((error: unknown) => this.#node.mend(error))
    else here?.sink.close(code, reason, by)
  }

  // After an outage.

  async #bringBack (isEmptied: boolean): Promise<boolean> {
    const rooms = this.#rooms.all
    // Those on their way under the former name are in by then, or have failed.
    await Promise.all(rooms.flatMap(({ pending }) => [...pending.values()].map(async ({ done }) => await done)))
    const isWhole = await this.#bringBackRooms(this.#rooms.all)
    if (isEmptied) for (const { room, from, expired } of this.#kept.lose()) await this.#send(room, from, expired())
    this.#options.timers.cancel(this.#check)
    this.#check = this.#options.timers.schedule(this.#node.graceMs, () => {
      for (const room of rooms) this.#rooms.check(room)
    })
    return isWhole
  }

  /** What Redis has refused before. Once it does not, the other nodes are told: what was in its place has taken their members away, too. */
  async #bringBackRest (): Promise<boolean> {
    const all = this.#rooms.all
    const refused = all.filter(({ isPartial }) => isPartial)
    const isWhole = await this.#bringBackRooms(all.filter(({ isPartial, isLost }) => isPartial || isLost))
    for (const room of refused) {
      if (!room.isPartial) await this.link.publish(this.link.keys.of(room.name).channel, restoreRequestOf({ room: room.name, process: this.#process }))
    }
    return isWhole
  }

  /** Of a room that Redis refuses the others know nothing, and its peers here have each other. False when there is one. */
  async #bringBackRooms (rooms: readonly LocalRoom[]): Promise<boolean> {
    let isWhole = true
    const attempt = async (room: LocalRoom, work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        if (!(error instanceof RedisRefused)) throw error
        room.isPartial = true
        isWhole = false
      }
    }
    for (const room of rooms) room.isPartial = room.isLost = false
    await inBatches(rooms, async (room) => await attempt(room, async () => await this.#rooms.listenAgain(room)))
    const members = rooms.filter(({ isPartial }) => !isPartial).flatMap((room) => [...room.members.values()].map((member) => ({ room, member })))
    await inBatches(members, async ({ room, member }) => await attempt(room, async () => await this.#restore(room, member)))
    return isWhole
  }

  async #restore (room: LocalRoom, member: Registration): Promise<void> {
    if (room.members.get(member.id) !== member) return
    const { members, sequence, opened, nodePrefix } = this.link.keys.of(room.name)
    member.joinedAt ??= this.#node.clockOfRedis(member.registeredAt)
    const answer = await this.#node.run('restore', [members, sequence, opened], member.id, this.#node.name, member.registrationId, ownerText(member), joinedAtOf(member),
      JSON.stringify(member.info), this.#eventChannel(room), nodePrefix, room.name, room.lifetime?.text ?? '', member.seenAt)
    if (answer === 1) this.#node.counters.peersRestored++
    if (answer === 1 || room.members.get(member.id) !== member) return
    room.members.delete(member.id)
    member.sink.close(answer === 0 ? closeCodes.replaced : closeCodes.roomExpired)
    this.#rooms.release(room)
  }

  #eventChannel (room: LocalRoom): string {
    return room.watcher === undefined ? '' : this.link.keys.of(room.name).channel
  }
}

/** What it means for a peer of another node that its node was told. */
const disconnected: Record<SendOutcome, DisconnectOutcome> = { sent: 'closed', absent: 'absent', failed: 'unreachable' }

/** Stands for the session in a frame that is composed before its session is known. */
const marker = `session-${randomUUID()}`

function ownerText ({ owner }: Registration): string {
  return JSON.stringify(owner ?? null)
}

/** Known by the time that Redis is asked anything. */
function joinedAtOf ({ joinedAt = 0 }: Registration): number {
  return joinedAt
}

function pend (member: Registration, own: Registration | undefined): { pending: Pending, settle: () => void } {
  let seen = (): void => {}
  let settle = (): void => {}
  const wasSeen = new Promise<void>((resolve) => { seen = resolve })
  const done = new Promise<void>((resolve) => { settle = resolve })
  return { pending: { member, previous: own, waiting: [], isReplaced: false, others: undefined, seen, wasSeen, done }, settle }
}

async function withTimeout (promise: Promise<void>): Promise<void> {
  let timeout: NodeJS.Timeout | undefined
  await Promise.race([promise, new Promise<void>((resolve) => { timeout = setTimeout(resolve, eventTimeoutMs) })])
  clearTimeout(timeout)
}
