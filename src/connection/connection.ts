import { isUtf8 } from 'node:buffer'
import type { RawData, WebSocket } from 'ws'
import { limitAfterClose } from './close-grace.js'
import type { AuditRecord, RefusalReason } from '../telemetry/audit.js'
import { networkOf } from '../net/address.js'
import { Backlog } from './backlog.js'
import type { Permit } from '../auth/permit.js'
import type { ConnectionHost } from './host.js'
import type { Connection, DropReason } from '../dialect/connection.js'
import type { Chooser, Handshake, Liveness, DialectSource, CompiledDialect, CompiledFrame } from '../dialect/dialect.js'
import { type CloseCode, closeCodes, closeReasons, notAllowed, quote, unauthorized } from '../frame/close-codes.js'
import { largeBytes } from '../limits/large-frames.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import { countMembers, type JsonObject, parse, type Received } from '../frame/parse.js'
import { SocketWriter } from './writer.js'
import type { Member, Sender } from '../state/contract.js'
import type { Timer } from '../timing/timers.js'
import { Frame, frameOf, type FrameLike } from '../frame/bytes.js'

/** A socket held back for so long without a break is closed. */
const maxHeldMs = 300_000
/** So is one that is sent pings and pongs while it is held back, which cannot wait, for more than this at its rate. */
const maxControlMs = 30_000
/** A frame counts once for each of these that it begins: what is parsed and passed on costs by its bytes. */
const bytesPerToken = 4096
/** What a token pays for in processor time, in ms: several times what frames of its size take, unless somebody has looked for worse. */
const msPerToken = 0.1
/** What others are sent because of a frame counts once for each of these. */
const causedBytesPerToken = 16_384
/** To hand a frame to somebody counts as so many bytes at least: it costs as much. */
const leastCausedBytes = 1_024
/** Who lacks no more tokens has sent little of late, and need not wait for who has sent much. */
const littleTokens = 64
/** A client that reads slowly is looked at so often, and closed when it has read nothing for so long. */
const backlogCheckMs = 1_000
const maxStallMs = 5_000
/** Reading freely for so long is a break. */
const breakMs = 250
/** A wait for a time of day looks again after so long: the clock may have been set. */
const clockCheckMs = 60_000

/**
 * Sockets are pinged in groups, so many in an interval: pings that go together, and whose pongs come together, cost half of
 * what as many single ones do.
 */
const pingSteps = 64

const tooMany = 'Too many frames'

const openState = 1
const none: readonly never[] = []
const refreshed = new Frame('auth', JSON.stringify({ type: 'auth', ok: true }))

/** How the audit trail calls it when we close. */
const endings: Partial<Record<CloseCode, AuditRecord['event']>> = { [closeCodes.replaced]: 'takeover', [closeCodes.goingAway]: 'drained' }

/** Codes with which clients end, as they are counted: those of the protocol that a client may see or send, and none of their own. */
const endsOfClients: ReadonlySet<number> = new Set([1000, 1001, 1002, 1005, 1006, 1007, 1009, 1011])

/** Frames that no dialect fits before the socket is closed. */
const maxUnknown = 3

/** What is needed until a dialect is spoken. */
interface Entrance {
  readonly handshake: Handshake
  readonly chooser: Chooser | undefined
  /** Frames that no dialect fitted. */
  unknown: number
}

/** What waits for a client that reads slowly, and whether it reads at all. */
interface Slow {
  readonly backlog: Backlog
  timer: Timer | undefined
  progress: number
  progressAt: number
}

/** The newest list of a room, while an earlier one waits still. */
interface WaitingList {
  readonly list: FrameLike
  readonly isOutdated: () => boolean
}

/** How a socket is not read for a while. */
interface Hold {
  /** Undefined while it is read. */
  timer: Timer | undefined
  /** When it was held first without a break. */
  since: number
  releasedAt: number
  /** Pings and pongs that came meanwhile. */
  controls: number
}

/**
 * One socket in one dialect: parses, checks and dispatches its frames in order and one at a time, keeps it alive, and holds
 * what it may take in and have waiting within bounds.
 */
export class ClientConnection implements Connection {
  /** The address of the client, as the proxies we trust report it. */
  readonly address: string
  /** Tells it from the others of this node: the later, the higher. */
  readonly number: number
  readonly #host: ConnectionHost
  readonly #socket: WebSocket
  readonly #writer: SocketWriter
  /** Until a dialect has been opened. */
  #entrance: Entrance | undefined
  /** When all tokens of `MESSAGE_RATE` are there again. */
  #fullAt = 0
  #dialect: CompiledDialect | undefined
  /** The dialect has been opened: it may be spoken. */
  #isOpen = false
  #peer: unknown
  #may: Permit
  #expiry: Timer | undefined
  /** When a frame came last: by the monotonic clock, which nobody sets. */
  #frameAt = performance.now()
  /** When anything did, and when it was accepted: whole ms, which take no memory of their own as others do. */
  #heardAt = Math.floor(this.#frameAt)
  readonly #openedAt = this.#heardAt

  /** Frames that came while an earlier one was being handled or the socket was held back: what one chunk held, since it is paused then. */
  #waiting: Buffer[] | undefined
  #isBusy = false
  /** The next frame waits for a turn of the event loop that has time for it. */
  #isOutOfTurn = false
  /** The close code that it ended with, while what it had sent before waits for its turn. */
  #endedWith: number | undefined
  /** What it is busy with is a fresh token. */
  #isRefreshing = false
  /** From when it was held back first. */
  #hold: Hold | undefined
  #life: Timer | undefined
  /** While more than half of what may wait does. */
  #slow: Slow | undefined
  /** By room. */
  #lists: Map<string, WaitingList> | undefined
  /** Too many bytes wait: about to be closed. */
  #isCut = false
  #isClosed = false
  /** The places it has: mostly one, so no list. */
  #member: Member | undefined
  #hasRegistered = false
  #otherMembers: readonly Member[] = none
  /** Frames that came, and frames that were handed to its socket. */
  received = 0
  sent = 0

  constructor (host: ConnectionHost, socket: WebSocket, speaks: DialectSource, { number, address, handshake, permit }: { number: number, address: string, handshake: Handshake, permit: Permit }) {
    this.#host = host
    this.#socket = socket
    this.#writer = new SocketWriter(socket)
    this.#entrance = { handshake, chooser: 'choose' in speaks ? speaks : undefined, unknown: 0 }
    this.number = number
    this.address = address
    this.#may = permit
    listen(socket, this)
    host.audit.info({ event: 'connect', ...this.#who(), ...('name' in speaks && { dialect: speaks.name }) })
    this.#awaitExpiry()
    if (this.#isClosed) return
    if ('name' in speaks) this.#adopt(speaks)
    if (!this.#isClosed) this.#awaitLife()
  }

  /** Who the client is and what it may do, by its latest token. */
  get may (): Permit {
    return this.#may
  }

  /** The dialect it speaks; undefined until its first frame has chosen one. */
  get dialect (): string | undefined {
    return this.#dialect?.name
  }

  /** Where it is registered, in the order it came there. */
  get members (): readonly Member[] {
    return this.#member === undefined ? none : [this.#member, ...this.#otherMembers]
  }

  /** When it was accepted, in ms since the epoch. */
  get openedAt (): number {
    return timeOf(this.#openedAt)
  }

  /** When a frame or a pong came last, in ms since the epoch. */
  get seenAt (): number {
    return timeOf(this.#heardAt)
  }

  /** Bytes that wait for its client to read them. */
  get bufferedBytes (): number {
    return this.#writer.bufferedBytes
  }

  /** The network that its client is in, or its address. */
  get network (): string {
    return networkOf(this.address)
  }

  /** More than half of what may wait does: senders are held to their shares. */
  get isBehind (): boolean {
    return this.#slow !== undefined && this.#takesFrames
  }

  get #takesFrames (): boolean {
    return this.#socket.readyState === openState && !this.#isCut
  }

  /**
   * False when the socket does not take the frame: it is closing, or too many bytes wait for it. Then a sender is refused, while the
   * server's own frames close it.
   */
  deliver (wire: FrameLike, isForMany = false, from?: Sender): boolean {
    if (!this.#takesFrames) return this.drop(this.#isCut ? 'slow_consumer' : 'closing')
    const frame = frameOf(wire)
    if (this.#writer.isBehind(this.#host.limits.maxBuffered / 2) && !this.#hasRoomFor(frame, from)) return this.drop('slow_consumer')
    this.#writer.write(frame, isForMany, this.#host.batch())
    this.#count(frame)
    return true
  }

  /** False when the socket is closing. */
  deliverList (room: string, list: FrameLike, isOutdated: () => boolean): boolean {
    if (!this.#takesFrames) return this.drop(this.#isCut ? 'slow_consumer' : 'closing')
    if (this.#writer.isListWaiting) {
      if (this.#lists === undefined) this.#writer.onDrained(() => this.#writeLists())
      this.#lists ??= new Map()
      this.#lists.set(room, { list, isOutdated })
      return true
    }
    this.#lists?.delete(room)
    const frame = frameOf(list)
    this.#writer.writeList(frame, this.#host.batch())
    this.#count(frame)
    return true
  }

  #writeLists (): void {
    const lists = this.#lists ?? []
    this.#lists = undefined
    for (const [room, { list, isOutdated }] of lists) if (!isOutdated()) this.deliverList(room, list, isOutdated)
  }

  #count ({ type }: Frame): void {
    this.sent++
    this.#dialect?.traffic.sent.inc(type)
  }

  #hasRoomFor ({ byteLength: bytes }: Frame, from: Sender | undefined): boolean {
    const { waiting, written, gone } = this.#writer
    const { backlog } = this.#slow ??= this.#slowFrom(waiting)
    if (from === undefined) {
      if (waiting <= backlog.capacity) return true
      // Not now: its leave is told to others, who may be as slow, and theirs again to others.
      this.#isCut = true
      setImmediate(() => this.close(closeCodes.slowConsumer))
      return false
    }
    backlog.release(gone)
    return backlog.take(from, bytes, { waiting, end: written + bytes })
  }

  #slowFrom (waiting: number): Slow {
    const { maxBuffered } = this.#host.limits
    // One large frame may be more than may wait, and leaves room for others.
    const backlog = new Backlog(Math.max(maxBuffered, waiting + maxBuffered / 4))
    const slow: Slow = { backlog, timer: undefined, progress: this.#writer.progress, progressAt: performance.now() }
    this.#watch(slow)
    return slow
  }

  /** Until it is no longer behind. */
  #watch (slow: Slow): void {
    const { timers, limits: { maxBuffered } } = this.#host
    slow.timer = timers.schedule(backlogCheckMs, () => {
      const { waiting, progress } = this.#writer
      if (waiting <= maxBuffered / 2) {
        this.#slow = undefined
        return
      }
      const now = performance.now()
      if (progress !== slow.progress) Object.assign(slow, { progress, progressAt: now })
      else if (now - slow.progressAt >= maxStallMs) return this.close(closeCodes.slowConsumer)
      this.#watch(slow)
    })
  }

  /** Counts a frame that its peer does not get, or that is not kept for another. */
  drop (why: DropReason): false {
    this.#host.counters.dropped.inc(why)
    return false
  }

  /** Told by the state: the peer is registered there. */
  onJoin (member: Member, leaving: Member | undefined): void {
    const others = this.members.filter((other) => other !== leaving && (other.room !== member.room || other.id !== member.id))
    this.#keep([...others, member])
    const { traffic } = this.#dialect as CompiledDialect
    traffic.registrations++
    const record = { event: 'register' as const, ...this.#who(), room: member.room, id: member.id }
    // The first one comes with a handshake, which has a rate.
    if (this.#hasRegistered) this.#host.audit.often(record)
    else this.#host.audit.info(record)
    this.#hasRegistered = true
  }

  /** Told by the state: the peer is not registered there any more. */
  onLeave (member: Member): void {
    this.#keep(this.members.filter((other) => other !== member))
  }

  #keep ([first, ...others]: readonly Member[]): void {
    this.#member = first
    this.#otherMembers = others.length === 0 ? none : others
  }

  /** Refuses what the client asked, in its dialect's form. Of `details` the first 128 characters are told. */
  refuse (sentence: string, details?: string): void {
    this.#reject(sentence, sentence, details)
  }

  /** Refuses what the client's token does not allow. Where a dialect has a last word for that, it ends the connection. */
  deny (): void {
    if (this.#dialect?.unauthorized !== undefined) return this.#expel('not_allowed')
    this.noteRefusal('not_allowed')
    this.refuse(notAllowed)
  }

  /** Counts and records what the client was refused, beside what it is told. */
  noteRefusal (reason: RefusalReason, id = this.#member?.id): void {
    this.#host.refused(reason, { ...this.#who(), id })
  }

  /**
   * Counts what so many others are sent because of this client, for a broadcast or a list, in bytes for each of them: once for each
   * 16 KiB, and as a whole burst at most. A frame counts as 1 KiB at least. Beyond its tokens it is read more slowly.
   */
  charge (bytes: number, receivers = 1): void {
    this.#take(Math.floor(receivers * Math.max(bytes, leastCausedBytes) / causedBytesPerToken))
  }

  #take (tokens: number): void {
    if (tokens <= 0) return
    const { messageRate } = this.#host.limits
    this.#fullAt = messageRate.taken(this.#fullAt, performance.now(), Math.min(tokens, messageRate.burst))
  }

  /** Ends it without asking. */
  terminate (): void {
    this.#socket.terminate()
  }

  /** Ends the connection: its peer leaves now, the socket as soon as the client answers. `by` is the subject of who asked for it. */
  close (code: CloseCode, reason = closeReasons[code], by?: string): void {
    if (this.#isClosed) return
    this.#host.onClose(code)
    this.#host.audit.info({ event: endings[code] ?? 'kicked', ...this.#who(), code, reason, by })
    this.#writer.flush()
    this.#socket.close(code, reason)
    // A paused socket would not read the client's answer.
    this.#socket.resume()
    limitAfterClose(this.#socket)
    this.#end()
  }

  /** The listeners of all sockets: one of its own for each event would take as much memory as the rest of an idle connection. */
  static readonly listeners = {
    message (this: WebSocket, data: RawData, isBinary: boolean) { (this as Owned)[owner].#onMessage(data as Buffer, isBinary) },
    control (this: WebSocket) { (this as Owned)[owner].#onControl() },
    close (this: WebSocket, code: number) { (this as Owned)[owner].#onEnd(code) }
  }

  #onMessage (data: Buffer, isBinary: boolean): void {
    if (this.#isClosed) return
    const now = performance.now()
    this.#heard(now)
    this.received++
    // Ours, unless the app around us had set up its sockets with another limit.
    if (data.length > this.#host.limits.maxPayload) return this.close(closeCodes.tooBig)
    // ws checks text only, and what is relayed as text must be UTF-8 or its receiver breaks.
    if (isBinary && !isUtf8(data)) data = Buffer.alloc(0)
    if (this.#isBusy || this.#isHeld || !this.#hasTurn(now) || !this.#admit(now, data.length)) this.#wait(data)
    else this.#dispatch(data)
  }

  #heard (now: number): void {
    this.#frameAt = now
    this.#heardAt = Math.floor(now)
  }

  /** Pings and pongs cannot wait, since they are handled by the time we hear of them. What comes after them waits for longer. */
  #onControl (): void {
    const now = performance.now()
    this.#heardAt = Math.floor(now)
    if (this.#isClosed) return
    if (!this.#isHeld) {
      this.#admit(now)
      return
    }
    const { messageRate } = this.#host.limits
    const hold = this.#hold as Hold
    this.#fullAt = messageRate.taken(this.#fullAt, now)
    if (++hold.controls > messageRate.tokensIn(maxControlMs)) this.close(closeCodes.policy, tooMany)
  }

  /**
   * Takes the tokens for a frame of so many bytes, or holds the socket back until there is one. A frame may take more than there
   * are: the next one waits for longer.
   */
  #admit (now: number, bytes = 0): boolean {
    const { messageRate } = this.#host.limits
    if (messageRate.waitMs(this.#fullAt, now) === 0) {
      this.#fullAt = messageRate.taken(this.#fullAt, now, tokensOf(bytes))
      return true
    }
    this.#host.counters.held++
    const hold = this.#hold ??= { timer: undefined, since: now, releasedAt: now, controls: 0 }
    if (now - hold.releasedAt > breakMs) hold.since = now
    if (now - hold.since > maxHeldMs) this.close(closeCodes.policy, tooMany)
    else this.#holdBack(hold)
    return false
  }

  /** False when the turn of the event loop has no time for a frame of this socket: a later one goes on with what waits. */
  #hasTurn (now: number): boolean {
    if (this.#isOutOfTurn) return false
    const { frameBudget, limits: { messageRate } } = this.#host
    if (!frameBudget.isSpent(now) || messageRate.missing(this.#fullAt, now) <= littleTokens) return true
    this.#isOutOfTurn = true
    frameBudget.wait(this)
    return false
  }

  /** A turn of the event loop has come that has time for it. */
  goOn (): void {
    this.#isOutOfTurn = false
    this.#drain()
    if (this.#endedWith !== undefined && !this.#isOutOfTurn) this.#onEnd(this.#endedWith)
  }

  get #isHeld (): boolean {
    return this.#hold?.timer !== undefined
  }

  #holdBack (hold: Hold): void {
    this.#socket.pause()
    const { limits: { messageRate }, timers } = this.#host
    hold.timer = timers.schedule(messageRate.waitMs(this.#fullAt, performance.now()), () => {
      const now = performance.now()
      // Pings and pongs that came with the frame have made the wait longer.
      if (messageRate.waitMs(this.#fullAt, now) > 0) return this.#holdBack(hold)
      hold.timer = undefined
      hold.releasedAt = now
      hold.controls = 0
      this.#drain()
    })
  }

  #wait (data: Buffer): void {
    if (this.#isClosed) return
    if (this.#waiting === undefined) {
      this.#waiting = []
      this.#socket.pause()
    }
    this.#waiting.push(data)
  }

  /** Handles what waited, as far as tokens and handlers let it, and reads on once nothing waits. */
  #drain (): void {
    while (!this.#isClosed && !this.#isBusy && !this.#isHeld) {
      const next = this.#waiting?.[0]
      if (next === undefined) {
        this.#waiting = undefined
        this.#heard(performance.now())
        this.#socket.resume()
        return
      }
      const now = performance.now()
      if (!this.#hasTurn(now) || !this.#admit(now, next.length)) return
      this.#waiting?.shift()
      this.#dispatch(next)
    }
  }

  #dispatch (raw: Buffer): void {
    if (raw.length <= bytesPerToken) return this.#process(raw)
    if (raw.length <= largeBytes) return this.#processTimed(raw)
    this.#isBusy = true
    this.#socket.pause()
    this.#host.largeFrames.enter(() => {
      this.#isBusy = false
      if (this.#isClosed) return this.#leave()
      this.#processTimed(raw)
      this.#drain()
    })
  }

  /** Handles a frame, and charges it for the processor time that its size does not account for. */
  #processTimed (raw: Buffer): void {
    const before = process.cpuUsage()
    this.#process(raw)
    const { user, system } = process.cpuUsage(before)
    this.#take(Math.floor((user + system) / 1000 / msPerToken) - tokensOf(raw.length))
  }

  #process (raw: Buffer): void {
    const memberCount = countMembers(raw)
    const frame = parse(raw, memberCount)
    if (frame?.type === 'auth' && this.#host.verify !== undefined) return this.#refresh(frame.token, this.#host.verify)
    if (this.#dialect === undefined && !this.#choose(frame)) return
    const { name, errors, frames } = this.#dialect as CompiledDialect
    if (!this.#isClosed && !this.#may.useDialect(name)) return this.deny()
    if (!this.#isClosed && !this.#isOpen) this.#open()
    if (this.#isClosed) return
    if (this.#isBusy) {
      (this.#waiting ??= []).unshift(raw)
      return
    }
    if (frame === undefined) return this.refuse(errors.notJson)
    const { type } = frame
    const known = typeof type === 'string' ? frames.get(type) : undefined
    if (known === undefined) return this.#reject(errors.unknownType(type), 'unknown type')
    if (!known.fits(frame)) return this.refuse(errors.malformed(type as string))
    known.received++
    this.#handle(known, frame, { bytes: raw, memberCount })
  }

  #handle (known: CompiledFrame, frame: JsonObject, received: Received): void {
    const startedAt = this.#frameAt
    try {
      const result = known.handle(this.#peer, frame, received)
      if (result instanceof Promise) this.#until(result, () => this.#handled(startedAt), frame.type)
      else this.#handled(startedAt)
    } catch (error) {
      this.#fail(error, frame.type)
    }
  }

  #handled (startedAt: number): void {
    this.#host.counters.handling.observe((performance.now() - startedAt) / 1000)
  }

  /** Tells the client no, and counts it under a name that holds nothing of what it sent. */
  #reject (sentence: string, name: string, details?: string): void {
    if (this.#dialect === undefined) return
    this.#dialect.traffic.errors.inc(name)
    this.deliver(this.#dialect.errors.frame(sentence, details === undefined ? undefined : quote(details)))
  }

  #who (): { dialect: string | undefined, id: string | undefined, subject: string | undefined, address: string } {
    return { dialect: this.#dialect?.name, id: this.#member?.id, subject: this.#may.subject, address: this.address }
  }

  /** Nothing else of this socket is handled before the promise is. */
  #until<T> (promise: Promise<T>, next: (value: T) => void, type?: unknown): void {
    this.#isBusy = true
    this.#socket.pause()
    promise.then(next).catch((error: unknown) => this.#fail(error, type)).finally(() => {
      this.#isBusy = false
      if (this.#isClosed) this.#leave()
      else this.#drain()
    })
  }

  #fail (error: unknown, type: unknown): void {
    this.#host.log.error({ err: error, dialect: this.#dialect?.name, type: quote(type) }, 'handler failed')
    if (this.#dialect !== undefined) this.refuse(this.#dialect.errors.internal)
  }

  #choose (frame: JsonObject | undefined): boolean {
    const entrance = this.#entrance as Entrance
    const { choose, unknown } = entrance.chooser as Chooser
    const dialect = choose(frame)
    if (dialect !== undefined) {
      this.#adopt(dialect)
      if (!this.#isClosed) this.#awaitLife()
      return true
    }
    this.deliver(unknown)
    if (++entrance.unknown === maxUnknown) this.close(closeCodes.policy, 'Unknown dialect')
    return false
  }

  #adopt (dialect: CompiledDialect): void {
    this.#dialect = dialect
    if (this.#may.useDialect(dialect.name)) this.#open()
    else if (dialect.unauthorized !== undefined) this.#expel('not_allowed')
  }

  #open (): void {
    const dialect = this.#dialect as CompiledDialect
    this.#isOpen = true
    const take = (peer: unknown) => {
      this.#peer = peer
      if (peer === undefined) this.close(closeCodes.policy)
    }
    const fail = (error: unknown) => {
      this.#fail(error, undefined)
      this.close(closeCodes.policy)
    }
    try {
      const { handshake } = this.#entrance as Entrance
      this.#entrance = undefined
      const peer = dialect.open(this, handshake)
      if (peer instanceof Promise) this.#until(peer.catch(fail), take)
      else take(peer)
    } catch (error) {
      fail(error)
    }
  }

  /** A new token of the same subject counts from now on instead of the old one. */
  #refresh (token: unknown, verify: NonNullable<ConnectionHost['verify']>): void {
    const take = (permit: Permit | undefined) => {
      this.#isRefreshing = false
      // Meanwhile the old token may have expired, or the client gone.
      if (this.#isClosed) return
      if (permit === undefined || permit.subject !== this.#may.subject) return this.#expel('unauthorized')
      this.#may = permit
      this.#awaitExpiry()
      this.deliver(refreshed)
    }
    const permit = typeof token === 'string' ? verify(token, this.#may.identity) : undefined
    if (!(permit instanceof Promise)) return take(permit)
    this.#isRefreshing = true
    this.#until(permit, take, 'auth')
  }

  #expel (why: RefusalReason): void {
    this.noteRefusal(why)
    if (this.#dialect?.unauthorized !== undefined) this.deliver(this.#dialect.unauthorized)
    this.close(closeCodes.policy, unauthorized)
  }

  /** Closes the socket once its token has expired. */
  #awaitExpiry (): void {
    this.#host.timers.cancel(this.#expiry)
    const ms = this.#may.expiresAt - Date.now()
    if (ms === Infinity) return
    if (ms <= 0) return this.close(closeCodes.tokenExpired)
    this.#expiry = this.#host.timers.schedule(Math.min(ms, clockCheckMs), () => this.#awaitExpiry())
  }

  static readonly #lifeIsDue = (connection: ClientConnection): void => connection.#checkLife()

  /** Closes the socket if it is silent for too long, else pings it and looks again. */
  #checkLife (): void {
    const { silentMs, framelessMs } = this.#bounds()
    // A socket that we do not read cannot show that it lives.
    const now = performance.now()
    if (this.#isBusy || this.#isHeld || this.#isOutOfTurn) this.#heard(now)
    if (now - this.#heardAt >= silentMs || now - this.#frameAt >= framelessMs) return this.close(closeCodes.timeout)
    this.#writer.ping()
    this.#awaitLife()
  }

  #awaitLife (): void {
    const { silentMs, framelessMs } = this.#bounds()
    const now = performance.now()
    const pingEveryMs = Math.min(this.#host.limits.heartbeatMs, silentMs / 2)
    const stepMs = pingEveryMs / pingSteps
    const pingInMs = pingEveryMs - (now + pingEveryMs) % stepMs
    const ms = Math.min(pingInMs, this.#heardAt + silentMs - now, this.#frameAt + framelessMs - now)
    this.#host.timers.cancel(this.#life)
    this.#life = this.#host.timers.schedule(ms, ClientConnection.#lifeIsDue, this)
  }

  #bounds (): Required<Liveness> {
    const { silentMs = Infinity, framelessMs = Infinity } = this.#dialect?.liveness ?? {}
    return { silentMs: Math.min(2 * this.#host.limits.heartbeatMs, silentMs), framelessMs }
  }

  #onEnd (code: number): void {
    // What it had sent before it went is not lost for having no turn.
    if (this.#isOutOfTurn && !this.#isClosed) {
      this.#endedWith = code
      return
    }
    if (!this.#isClosed) {
      this.#host.counters.left.inc(endsOfClients.has(code) ? String(code) : 'other')
      this.#host.audit.info({ event: 'leave', ...this.#who(), code })
    }
    this.#end()
    this.#host.onEnd(this)
  }

  #end (): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#waiting = undefined
    for (const timer of [this.#life, this.#hold?.timer, this.#expiry, this.#slow?.timer]) this.#host.timers.cancel(timer)
    // A handler at work may be about to register the peer: it leaves once that is done.
    if (!this.#isBusy || this.#isRefreshing) this.#leave()
  }

  #leave (): void {
    const peer = this.#peer
    if (this.#dialect === undefined || peer === undefined) return
    this.#peer = undefined
    const failed = (error: unknown) => this.#host.log.error({ err: error, dialect: this.#dialect?.name }, 'leaving failed')
    try {
      const left: MaybePromise<unknown> = this.#dialect.close(peer)
      if (left instanceof Promise) left.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

function tokensOf (bytes: number): number {
  return Math.max(1, Math.ceil(bytes / bytesPerToken))
}

/** By how much the two clocks differ less counts for nothing: one of them has whole milliseconds only. */
const clockJitterMs = 2
let epochMs = Date.now() - performance.now()

/** A time of the monotonic clock, in ms since the epoch: the same whenever it is asked for, unless the clock was set. */
function timeOf (at: number): number {
  const now = Date.now() - performance.now()
  if (Math.abs(now - epochMs) > clockJitterMs) epochMs = now
  return Math.round(epochMs + at)
}

const owner = Symbol('owner')

type Owned = WebSocket & { [owner]: ClientConnection }

function listen (socket: WebSocket, connection: ClientConnection): void {
  const { message, control, close } = ClientConnection.listeners
  ;(socket as Owned)[owner] = connection
  socket.on('message', message).on('ping', control).on('pong', control).on('close', close)
}
