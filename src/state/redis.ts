import { randomInt, randomUUID } from 'node:crypto'
import type { Log } from '../connection.js'
import { closeCodes, type CloseCode } from '../errors.js'
import { after, type MaybePromise } from '../maybe-promise.js'
import type { Timers } from '../timers.js'
import type { Attempts, Join, Joined, Mail, MailboxLimits, Peer, Peers, Relay, Rooms, Sent, Sessions, SessionSignal, State, Watcher, Wire } from './contract.js'
import { memoryAttempts } from './memory-attempts.js'
import { RoomSessions } from './memory-sessions.js'
import { RedisDown, RedisLink } from './redis-link.js'
import { KeptMail } from './redis-mail.js'
import { type Known, LocalRoom, type Opened, type Pending, Registration, type RoomEvent } from './redis-room.js'

/** How long the event of a join that Redis has answered may take. In ms. */
const eventTimeoutMs = 1_000
/** Codes tried at once when nearly all are taken. */
const codesAtOnce = 100
const drawsOfCode = 20
/** Registrations brought back at once. */
const restoredAtOnce = 200

export interface RedisStateOptions {
  /** One Redis, or several nodes of a cluster. */
  urls: readonly string[]
  /** ms after which a node that does not renew counts as dead. */
  leaseMs: number
  mailboxes: MailboxLimits
  timers: Timers
  log: Log
}

/** What happened since the start: plain counters. */
export interface RedisCounters {
  renewals: number
  leasesLost: number
  nodesReaped: number
  peersReaped: number
  /** Frames for a peer that had gone by the time they reached its node. */
  framesDropped: number
}

/** The exchange of all nodes on one Redis. Without Redis the peers of this node still reach each other. */
export async function redisState (options: RedisStateOptions): Promise<State & { readonly counters: RedisCounters, readonly link: RedisLink }> {
  const state = new RedisExchange(options)
  await state.start()
  return state
}

class RedisExchange implements State {
  readonly counters: RedisCounters = { renewals: 0, leasesLost: 0, nodesReaped: 0, peersReaped: 0, framesDropped: 0 }
  readonly link: RedisLink
  readonly #options: RedisStateOptions
  readonly #rooms = new Map<string, LocalRoom>()
  readonly #watchers = new Map<string, Watcher>()
  readonly #kept: KeptMail
  readonly #attemptsHere: ReturnType<typeof memoryAttempts>
  readonly #process = randomUUID()
  #registrations = 0
  /** This node's name while it holds its lease; a new one when it has lost it. */
  #incarnation = ''
  #renewedAt = 0
  #isRevived = false
  #reviving: Promise<void> | undefined
  #isClosed = false

  constructor (options: RedisStateOptions) {
    this.#options = options
    this.link = new RedisLink(options.urls, options.log)
    this.#kept = new KeptMail(options.timers, options.mailboxes.totalBytes, (mail, batch) => { this.#expireMail(mail, batch).catch((error: unknown) => options.log.error({ err: error }, 'mail')) })
    this.#attemptsHere = memoryAttempts(options.timers)
  }

  /** True while everything that needs other nodes works. */
  get isReady (): boolean {
    return this.#isUp && this.#isRevived
  }

  get #isUp (): boolean {
    return this.link.isUp && performance.now() - this.#renewedAt < this.#options.leaseMs
  }

  async start (): Promise<void> {
    await this.link.start(`${this.link.tagOf('')}:probe:${this.#process}`, {
      onMessage: (header, body) => this.#onMessage(header, body),
      onUp: () => { this.#revive().catch((error: unknown) => this.#options.log.error({ err: error }, 'reviving')) },
      onDown: () => { this.#isRevived = false }
    })
    await this.#reviving
    this.#keepRenewing()
  }

  readonly peers: Peers = {
    join: (request) => this.#join(request),
    leave: (member) => this.#leave(member as Registration),
    list: (room) => this.#list(room),
    roomNames: (prefix) => this.#roomNames(prefix),
    watch: (dialect, watcher) => { this.#watchers.set(dialect, watcher) }
  }

  readonly rooms: Rooms = {
    open: async ({ prefix, digits, idleMs, emptyMs }) => {
      const lifetime = `${idleMs}\n${emptyMs}`
      const open = async (code: number) => {
        const { members, opened } = this.#keys(prefix + code)
        return await this.link.run('open', [members, opened], lifetime, Math.min(idleMs, emptyMs)) === 1
      }
      try {
        const least = 10 ** (digits - 1)
        const beyond = 10 ** digits
        for (let draw = 0; draw < drawsOfCode; draw++) {
          const code = randomInt(least, beyond)
          if (await open(code)) return String(code)
        }
        const start = randomInt(least, beyond)
        for (let step = 0; step < beyond - least; step += codesAtOnce) {
          const codes = Array.from({ length: Math.min(codesAtOnce, beyond - least - step) }, (_, at) => least + (start - least + step + at) % (beyond - least))
          for (const code of codes) if (await open(code)) return String(code)
        }
        return undefined
      } catch (error) {
        return whenDown(error, undefined)
      }
    }
  }

  readonly relay: Relay = {
    send: (room, to, frame) => this.#send(room, to, frame),
    sendOrKeep: (mail) => this.#sendOrKeep(mail),
    broadcast: (room, frame, except) => this.#broadcast(room, frame, except),
    broadcastHere: (room, frame, except) => { this.#broadcastHere(room, frame, except) }
  }

  readonly sessions: Sessions = { send: (signal) => this.#sendInSession(signal) }

  readonly attempts: Attempts = {
    add: async (key, windowMs) => {
      const here = await this.#attemptsHere.add(key, windowMs)
      try {
        return Number(await this.link.run('attempt', [`{sb:0}:attempts:${key}`], windowMs))
      } catch (error) {
        return whenDown(error, here)
      }
    },
    count: async (key) => {
      const here = await this.#attemptsHere.count(key)
      if (!this.#isUp) return here
      try {
        return Number(await this.link.command(async (client) => await client.get(`{sb:0}:attempts:${key}`)) ?? 0)
      } catch (error) {
        return whenDown(error, here)
      }
    }
  }

  size () {
    const rooms = [...this.#rooms.values()]
    return {
      peers: rooms.reduce((sum, { members }) => sum + members.size, 0),
      rooms: rooms.length,
      mailboxes: this.#kept.size,
      mailboxBytes: this.#kept.bytes,
      sessions: rooms.reduce((sum, { sessions }) => sum + sessions.size, 0),
      attempts: this.#attemptsHere.size()
    }
  }

  async close (): Promise<void> {
    this.#isClosed = true
    try {
      await this.#reviving
      for (const room of [...this.#rooms.values()]) {
        for (const member of [...room.members.values()]) await this.#leave(member)
      }
      await this.link.command(async (client) => await client.zrem(nodesKey, this.#incarnation))
      await this.link.command(async (client) => await client.del(roomsKey(this.#incarnation)))
    } catch (error) {
      whenDown(error, undefined)
    }
    await this.link.close()
  }

  // Joining and leaving.

  #join (request: Join): MaybePromise<Joined> {
    if (!this.#isUp) return this.#joinHere(request)
    return this.#joinEverywhere(request).catch((error: unknown) => {
      whenDown(error, undefined)
      return this.#joinHere(request)
    })
  }

  async #joinEverywhere (request: Join): Promise<Joined> {
    const { id, leaving } = request
    const earlierAttempt = this.#rooms.get(request.room)?.pending.get(id)
    if (earlierAttempt !== undefined) {
      await earlierAttempt.done
      return await this.#joinEverywhere(request)
    }
    const room = await this.#enter(request.room)
    const member = this.#register(request)
    const { pending, settle } = pend(member)
    room.pending.set(id, pending)
    try {
      const keys = this.#keys(room.name)
      const own = leaving instanceof Registration && leaving.room === request.room ? leaving : undefined
      const othersElsewhere = room.watcher === undefined && (request.welcome?.length ?? 0) > 0 ? await this.#list(room.name) : []
      const answer = await this.link.run('join', [keys.members, keys.sequence, keys.mail(id), keys.opened],
        id, this.#incarnation, member.epoch, ownerText(member), member.joinedAt, JSON.stringify(member.info), request.replace ? 1 : 0,
        request.maxMembers ?? 0, request.opened === true ? 1 : 0, own?.epoch ?? '', own?.id ?? '', this.#eventChannel(room),
        keys.nodePrefix, room.name, keys.sessions) as [Buffer, number?, Buffer?, ...Buffer[]]
      const outcome = String(answer[0]) as Joined['outcome']
      if (outcome !== 'joined') return { outcome }
      const mail = answer.slice(3) as Buffer[]
      if (mail.length > 0) this.#kept.forget(room.name, id)
      if (room.watcher !== undefined) await withTimeout(pending.wasSeen)
      if (own !== undefined && room.members.get(own.id) === own) room.members.delete(own.id)
      this.#welcome(room, pending, request, pending.others ?? othersElsewhere.filter((peer) => peer.id !== id), mail)
      if (request.opened === true) await this.#watchLifetime(room)
      if (leaving instanceof Registration && own === undefined) await this.#leave(leaving)
      return { outcome, member }
    } finally {
      if (room.pending.get(id) === pending) room.pending.delete(id)
      settle()
      room.entering--
      this.#release(room)
    }
  }

  /** The registration holds: first its welcome, then its mail, then what came meanwhile. */
  #welcome (room: LocalRoom, { member, waiting, isReplaced }: Pending, { welcome, sink }: Join, others: readonly Peer[], mail: readonly Buffer[]): void {
    const holder = room.members.get(member.id)
    room.pending.delete(member.id)
    room.members.set(member.id, member)
    if (holder !== undefined && holder.sink !== sink) holder.sink.close(closeCodes.replaced)
    if (welcome !== undefined) sink.deliver(welcome(others))
    for (const frame of [...mail, ...waiting]) sink.deliver(frame)
    const known = room.replica.get(member.id)
    if (isReplaced || (known !== undefined && known.epoch !== member.epoch)) {
      room.members.delete(member.id)
      sink.close(closeCodes.replaced)
    } else if (room.watcher !== undefined) {
      if (known === undefined) room.addHere(member)
      else room.watcher.joined?.(room.name, member)
    }
  }

  /** Without Redis: what is known here decides. It is settled with the others when Redis is back. */
  #joinHere (request: Join): Joined {
    const { id, sink, leaving, maxMembers = Infinity } = request
    let room = this.#rooms.get(request.room)
    if (request.opened === true && room?.opened === undefined) return { outcome: 'missing' }
    const holder = room?.members.get(id)
    if (holder !== undefined && holder.sink !== sink && (!request.replace || holder.owner !== request.owner)) return { outcome: 'taken' }
    const givesUpPlace = leaving !== undefined && this.#rooms.get(leaving.room)?.members.get(leaving.id) === leaving && leaving.room === request.room
    if (holder === undefined && !givesUpPlace && (room?.members.size ?? 0) >= maxMembers) return { outcome: 'full' }
    if (leaving !== undefined && leaving !== holder) this.#leaveHere(leaving as Registration)
    room = this.#roomHere(request.room)
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
    if (!this.#isUp) return this.#leaveHere(member)
    room.members.delete(member.id)
    room.sessions.endOf(member.id)
    const { members, sequence, opened, sessions } = this.#keys(room.name)
    room.entering++
    return this.link.run('leave', [members, sequence, opened], member.id, member.epoch, this.#eventChannel(room), room.name, sessions)
      .then((left) => left === 1, (error: unknown) => whenDown(error, true))
      .finally(() => {
        // The event may come too late for a room that this was the last member of.
        room.removeHere(member)
        room.entering--
        this.#release(room)
      })
  }

  #leaveHere (member: Registration): boolean {
    const room = this.#rooms.get(member.room)
    if (room?.members.get(member.id) !== member) return false
    room.members.delete(member.id)
    room.sessions.endOf(member.id)
    room.removeHere(member)
    this.#release(room)
    return true
  }

  async #list (name: string): Promise<readonly Peer[]> {
    const room = this.#rooms.get(name)
    if (room?.watcher !== undefined && room.listening !== undefined && room.members.size > 0) return [...room.replica.values()]
    if (!this.#isUp) return [...room?.members.values() ?? []]
    try {
      const { all } = await this.#snapshot(name)
      return all.map((known) => room?.members.get(known.id) ?? known)
    } catch (error) {
      return whenDown(error, [...room?.members.values() ?? []])
    }
  }

  async #roomNames (prefix: string): Promise<string[]> {
    const names = new Set([...this.#rooms.values()].filter(({ name, members }) => members.size > 0 && name.startsWith(prefix)).map(({ name }) => name))
    if (!this.#isUp) return [...names]
    try {
      const nodes = await this.link.command(async (client) => await client.zrange(nodesKey, '0', '-1')) as string[]
      for (const node of nodes) {
        const rooms = await this.link.command(async (client) => await client.smembers(roomsKey(node))) as string[]
        for (const name of rooms) if (name.startsWith(prefix)) names.add(name)
      }
    } catch (error) {
      whenDown(error, undefined)
    }
    return [...names]
  }

  #register (request: Join): Registration {
    const count = ++this.#registrations
    // The fraction tells registrations of one millisecond apart.
    return new Registration(request, `${this.#process}:${count}`, Date.now() + (count % 1000) / 1000)
  }

  // Rooms as this node has them.

  #roomHere (name: string): LocalRoom {
    const existing = this.#rooms.get(name)
    if (existing !== undefined) return existing
    const slash = name.indexOf('/')
    const room = new LocalRoom(name, this.#watchers.get(slash === -1 ? name : name.slice(0, slash)), new RoomSessions(this.#options.timers))
    this.#rooms.set(name, room)
    return room
  }

  /** The room, listened to and kept until `entering` goes down again. */
  async #enter (name: string): Promise<LocalRoom> {
    const room = this.#roomHere(name)
    room.entering++
    try {
      await (room.listening ??= this.#listen(room, false))
      return room
    } catch (error) {
      room.listening = undefined
      room.entering--
      this.#release(room)
      throw error
    }
  }

  /** Listen first, then take the snapshot: nothing falls between. */
  async #listen (room: LocalRoom, keepMissing: boolean): Promise<void> {
    room.expectSnapshot()
    await Promise.all([
      this.link.subscribe(this.#keys(room.name).channel),
      this.link.command(async (client) => await client.sadd(roomsKey(this.#incarnation), room.name))
    ])
    const { sequence, all } = room.watcher === undefined ? { sequence: 0, all: [] } : await this.#snapshot(room.name)
    room.applySnapshot(sequence, all, keepMissing)
  }

  async #snapshot (name: string): Promise<{ sequence: number, all: Known[] }> {
    const { members, sequence } = this.#keys(name)
    const [last, ...fields] = (await this.link.run('snapshot', [members, sequence]) as Buffer[]).map(String)
    const all: Array<Known & { joinedAt: number }> = []
    for (let at = 0; at < fields.length; at += 2) {
      const [, epoch = '', , joinedAt, info = '{}'] = (fields[at + 1] as string).split('\n')
      all.push({ id: fields[at] as string, epoch, joinedAt: Number(joinedAt), seenAt: Number(joinedAt), info: JSON.parse(info) })
    }
    return { sequence: Number(last), all: all.sort((one, other) => one.joinedAt - other.joinedAt) }
  }

  /** Forgets a room without members here. */
  #release (room: LocalRoom): void {
    if (room.members.size > 0 || room.entering > 0 || this.#rooms.get(room.name) !== room) return
    this.#rooms.delete(room.name)
    this.#options.timers.cancel(room.opened?.timer)
    if (room.listening === undefined || !this.link.isUp) return
    Promise.all([
      this.link.unsubscribe(this.#keys(room.name).channel),
      this.link.command(async (client) => await client.srem(roomsKey(this.#incarnation), room.name))
    ]).catch((error: unknown) => whenDown(error, undefined))
  }

  /** Closes the members here once the room has expired everywhere. */
  async #watchLifetime (room: LocalRoom): Promise<void> {
    if (room.opened !== undefined) return
    const text = await this.link.command(async (client) => await client.get(this.#keys(room.name).opened)) as string | null
    const [idleMs = 0, emptyMs = 0] = text?.split('\n').map(Number) ?? []
    const opened: Opened = { idleMs, emptyMs, timer: undefined }
    room.opened = opened
    const look = (ms: number): void => {
      opened.timer = this.#options.timers.schedule(ms, () => {
        this.#restOf(room).then((rest) => {
          if (this.#rooms.get(room.name) !== room) return
          if (rest > 0) return look(rest)
          for (const member of [...room.members.values()]) {
            after(this.#leave(member), () => {})
            member.sink.close(closeCodes.roomExpired)
          }
        }, () => look(idleMs))
      })
    }
    look(idleMs)
  }

  async #restOf (room: LocalRoom): Promise<number> {
    if (!this.#isUp) throw new RedisDown()
    return Number(await this.link.command(async (client) => await client.pttl(this.#keys(room.name).opened)))
  }

  // Frames.

  #send (room: string, to: string, frame: Wire): MaybePromise<Sent> {
    const here = this.#hereOrSoon(room, to)
    if (here instanceof Promise) return here.then(() => this.#send(room, to, frame))
    if (here !== undefined) return here.sink.deliver(frame) ? 'sent' : 'failed'
    if (!this.#isUp) return 'absent'
    const { members, nodePrefix } = this.#keys(room)
    return this.link.run('send', [members], to, message(['frame', room, to], frame), nodePrefix)
      .then((sent) => String(sent) as Sent, (error: unknown) => whenDown<Sent>(error, 'absent'))
  }

  #sendOrKeep (mail: Mail): MaybePromise<Sent | 'kept' | 'full'> {
    const { room, from, to, frame, keepMs } = mail
    const here = this.#hereOrSoon(room, to)
    if (here instanceof Promise) return here.then(() => this.#sendOrKeep(mail))
    if (here !== undefined) return here.sink.deliver(frame) ? 'sent' : 'failed'
    const bytes = Buffer.byteLength(frame)
    if (!this.#isUp || !this.#kept.hasRoomFor(bytes)) return 'full'
    const keys = this.#keys(room)
    const { maxMessages, maxBytes } = this.#options.mailboxes
    const batch = randomUUID()
    return this.link.run('sendOrKeep', [keys.members, keys.mail(to)], to, message(['frame', room, to], frame), keys.nodePrefix, from, frame, maxMessages, maxBytes, keepMs, batch)
      .then((answer) => {
        const [sent, began] = answer as [Buffer, number?]
        if (String(sent) === 'kept') this.#kept.add(mail, bytes, began === 1 ? batch : undefined)
        return String(sent) as Sent | 'kept' | 'full'
      }, (error: unknown) => whenDown<'full'>(error, 'full'))
  }

  async #expireMail ({ room, to, from, expired }: Mail, batch: string): Promise<void> {
    let count = 1
    try {
      count = Number(await this.link.run('expireMail', [this.#keys(room).mail(to)], from, batch))
    } catch (error) {
      // Whether somebody took it nobody can say: better told twice than never.
      whenDown(error, undefined)
    }
    if (count > 0) await this.#send(room, from, expired)
  }

  #broadcast (name: string, frame: Wire, except?: string): MaybePromise<number> {
    const count: number = this.#broadcastHere(name, frame, except)
    const room = this.#rooms.get(name)
    const isAllHere = room?.watcher !== undefined && room.opened === undefined && room.pending.size === 0 && room.replica.size === room.members.size && room.members.size > 0
    if (isAllHere || !this.#isUp) return count
    const { members, opened, channel } = this.#keys(name)
    return this.link.run('broadcast', [members, opened], channel, message(['all', name, this.#incarnation, except ?? ''], frame))
      .then((all): number => Number(all) - (except === undefined ? 0 : 1), (error: unknown) => whenDown(error, count))
  }

  #broadcastHere (name: string, frame: Wire, except?: string): number {
    const room = this.#rooms.get(name)
    if (room === undefined) return 0
    const bytes = typeof frame === 'string' ? Buffer.from(frame) : frame
    let count = 0
    for (const member of room.members.values()) {
      if (member.id === except) continue
      member.sink.deliver(bytes)
      count++
    }
    return count
  }

  #sendInSession (signal: SessionSignal): MaybePromise<Sent | 'foreign'> {
    const { room: name, from, to, session, begins, idleMs, frame } = signal
    const here = this.#hereOrSoon(name, to)
    if (here instanceof Promise) return here.then(() => this.#sendInSession(signal))
    const known = here === undefined ? undefined : this.#rooms.get(name)?.sessions
    const resolved = session ?? known?.latest(from, to)
    if (session !== undefined && known?.isForeign(session, from, to) === true) return 'foreign'
    const deliverHere = (session: string | undefined): Sent => {
      if (here?.sink.deliver(frame(session)) !== true) return 'failed'
      if (session !== undefined && begins) known?.begin(session, from, to, idleMs)
      else if (session !== undefined) known?.touch(session, idleMs)
      return 'sent'
    }
    // Two peers of this node, in a session that it knows to be theirs.
    if (here !== undefined && resolved !== undefined && !begins && known?.isBound(resolved) === true) return deliverHere(resolved)
    if (!this.#isUp) return here === undefined ? 'absent' : deliverHere(resolved)
    const { members, nodePrefix, sessions } = this.#keys(name)
    const [head = '', tail = ''] = String(frame(marker)).split(JSON.stringify(marker))
    return this.link.run('sendInSession', [members], from, to, session === undefined ? '' : JSON.stringify(session), begins ? 1 : 0, idleMs,
      `${JSON.stringify(['frame', name, to])}\n`, head, tail, frame(undefined), here === undefined ? nodePrefix : '', sessions)
      .then((answer) => {
        const [sent, bound] = (answer as Buffer[]).map(String) as [Sent | 'foreign', string]
        if (here === undefined || sent !== 'sent') return sent
        const delivered = deliverHere(bound === '' ? undefined : JSON.parse(bound) as string)
        if (delivered === 'sent' || !begins) return delivered
        return this.link.run('endSession', [members], bound, sessions).then(() => delivered)
      }, (error: unknown) => whenDown<Sent>(error, here === undefined ? 'absent' : deliverHere(resolved)))
  }

  /** The peer, if it is on this node; a promise while it is about to be, or not. */
  #hereOrSoon (name: string, id: string): Registration | Promise<void> | undefined {
    const room = this.#rooms.get(name)
    return room?.pending.get(id)?.done ?? room?.members.get(id)
  }

  // What Redis tells this node.

  #onMessage (header: unknown[], body: Buffer): void {
    const [kind] = header
    if (kind === 'frame') return this.#onFrame(header[1] as string, header[2] as string, body)
    if (kind === 'close') return this.#onClose(header as ['close', string, string, string, CloseCode])
    if (kind === 'all') {
      const [, name, node, except] = header as ['all', string, string, string]
      if (node !== this.#incarnation) this.#broadcastHere(name, body, except)
      return
    }
    const event = header as RoomEvent
    const room = this.#rooms.get(event[2])
    if (room === undefined || room.apply(event)) return
    this.#listen(room, false).catch((error: unknown) => whenDown(error, undefined))
  }

  #onFrame (name: string, to: string, frame: Buffer): void {
    const room = this.#rooms.get(name)
    const pending = room?.pending.get(to)
    if (pending !== undefined) pending.waiting.push(frame)
    else if (room?.members.get(to)?.sink.deliver(frame) !== true) this.counters.framesDropped++
  }

  #onClose ([, name, id, epoch, code]: ['close', string, string, string, CloseCode]): void {
    const room = this.#rooms.get(name)
    const pending = room?.pending.get(id)
    if (pending?.member.epoch === epoch) pending.isReplaced = true
    const member = room?.members.get(id)
    if (room === undefined || member?.epoch !== epoch) return
    room.members.delete(id)
    member.sink.close(code)
    this.#release(room)
  }

  // The node among the others.

  #keepRenewing (): void {
    if (this.#isClosed) return
    this.#options.timers.schedule(this.#options.leaseMs / 3, () => {
      this.#renew(false)
        .then(async (isHeld) => { if (!isHeld) await this.#revive() }, (error: unknown) => whenDown(error, undefined))
        .catch((error: unknown) => this.#options.log.error({ err: error }, 'lease'))
        .finally(() => this.#keepRenewing())
    })
  }

  async #renew (begins: boolean): Promise<boolean> {
    if (!this.link.isUp) return true
    const [isHeld, ...dead] = await this.link.run('renew', [nodesKey], this.#incarnation, this.#options.leaseMs, begins ? 1 : 0) as [number, ...Buffer[]]
    if (isHeld === 1) {
      this.counters.renewals++
      this.#renewedAt = performance.now()
      for (const node of dead.map(String)) if (node !== this.#incarnation) await this.#reap(node)
      return true
    }
    this.counters.leasesLost++
    this.#options.log.warn({ node: this.#incarnation }, 'lease lost')
    return false
  }

  /** Makes a dead node's peers leave. Several nodes may try: each peer is removed, and announced, by one of them. */
  async #reap (node: string): Promise<void> {
    const names = await this.link.command(async (client) => await client.smembers(roomsKey(node))) as string[]
    let count = 0
    for (const name of names) {
      const { members, sequence, opened, sessions } = this.#keys(name)
      const slash = name.indexOf('/')
      const isWatched = this.#watchers.has(slash === -1 ? name : name.slice(0, slash))
      count += Number(await this.link.run('reap', [members, sequence, opened], node, isWatched ? this.#keys(name).channel : '', name, sessions))
    }
    await this.link.command(async (client) => await client.del(roomsKey(node)))
    await this.link.command(async (client) => await client.zrem(nodesKey, node))
    this.counters.nodesReaped++
    this.counters.peersReaped += count
    this.#options.log.warn({ node, peers: count }, 'node reaped')
  }

  /** Redis is there, perhaps again, perhaps empty; or the lease was lost. Takes a new name and brings everybody back under it. */
  async #revive (): Promise<void> {
    this.#isRevived = false
    this.#reviving ??= this.#reviveOnce().finally(() => { this.#reviving = undefined })
    await this.#reviving
  }

  async #reviveOnce (): Promise<void> {
    const earlier = this.#incarnation
    try {
      this.#incarnation = randomUUID()
      for (const tag of this.link.tags) {
        await this.link.subscribe(`${tag}:node:${this.#incarnation}`)
      }
      await this.#renew(true)
      const rooms = [...this.#rooms.values()]
      for (const room of rooms) await (room.listening = this.#listen(room, true))
      const members = rooms.flatMap((room) => [...room.members.values()].map((member) => ({ room, member })))
      for (let at = 0; at < members.length; at += restoredAtOnce) {
        await Promise.all(members.slice(at, at + restoredAtOnce).map(async ({ room, member }) => await this.#restore(room, member)))
      }
      if (earlier !== '') {
        for (const tag of this.link.tags) await this.link.unsubscribe(`${tag}:node:${earlier}`)
        await this.#reap(earlier)
      }
      this.#isRevived = true
      // By then the other nodes have brought theirs back too.
      this.#options.timers.schedule(this.#options.leaseMs, () => {
        for (const room of rooms) {
          if (this.#rooms.get(room.name) === room && this.#isUp) this.#listen(room, false).catch((error: unknown) => whenDown(error, undefined))
        }
      })
    } catch (error) {
      whenDown(error, undefined)
    }
  }

  async #restore (room: LocalRoom, member: Registration): Promise<void> {
    if (room.members.get(member.id) !== member) return
    const { members, sequence, opened, nodePrefix } = this.#keys(room.name)
    const lifetime = room.opened === undefined ? '' : `${room.opened.idleMs}\n${room.opened.emptyMs}`
    const isOurs = await this.link.run('restore', [members, sequence, opened], member.id, this.#incarnation, member.epoch, ownerText(member), member.joinedAt,
      JSON.stringify(member.info), this.#eventChannel(room), nodePrefix, room.name, lifetime)
    if (isOurs === 1 || room.members.get(member.id) !== member) return
    room.members.delete(member.id)
    member.sink.close(closeCodes.replaced)
    this.#release(room)
  }

  #keys (room: string) {
    const tag = this.link.tagOf(room)
    return {
      members: `${tag}:members:${room}`,
      sequence: `${tag}:sequence:${room}`,
      opened: `${tag}:opened:${room}`,
      sessions: `${tag}:sessions:${room}`,
      channel: `${tag}:room:${room}`,
      nodePrefix: `${tag}:node:`,
      mail: (to: string) => `${tag}:mail:${room}\n${to}`
    }
  }

  #eventChannel (room: LocalRoom): string {
    return room.watcher === undefined ? '' : this.#keys(room.name).channel
  }
}

const nodesKey = '{sb:0}:nodes'

/** Stands for the session in a frame that is composed before its session is known. */
const marker = `session-${randomUUID()}`

function roomsKey (node: string): string {
  return `{sb:0}:rooms:${node}`
}

function ownerText ({ owner }: Registration): string {
  return JSON.stringify(owner ?? null)
}

/** A header, a line feed and the frame as it is. */
function message (header: readonly string[], frame: Wire): Buffer {
  const text = `${JSON.stringify(header)}\n`
  return typeof frame === 'string' ? Buffer.from(text + frame) : Buffer.concat([Buffer.from(text), frame])
}

/** What to do without Redis; any other error goes on. */
function whenDown<T> (error: unknown, value: T): T {
  if (error instanceof RedisDown) return value
  throw error
}

function pend (member: Registration): { pending: Pending, settle: () => void } {
  let seen = (): void => {}
  let settle = (): void => {}
  const wasSeen = new Promise<void>((resolve) => { seen = resolve })
  const done = new Promise<void>((resolve) => { settle = resolve })
  return { pending: { member, waiting: [], isReplaced: false, others: undefined, seen, wasSeen, done }, settle }
}

async function withTimeout (promise: Promise<void>): Promise<void> {
  let timeout: NodeJS.Timeout | undefined
  await Promise.race([promise, new Promise<void>((resolve) => { timeout = setTimeout(resolve, eventTimeoutMs) })])
  clearTimeout(timeout)
}
