import { randomUUID } from 'node:crypto'
import { type Frame, type FrameLike, frameOf, payloadOf } from '../../frame/bytes.js'
import { andThen, type MaybePromise } from '../../timing/maybe-promise.js'
import type {
  Mail, MailboxLimits, Origin, Peer, Relay, RoomMail, Sender, SendOutcome, SessionSignal, Sink, UndeliverableReason
} from '../contract.js'
import { type BroadcastOutcome, deliverList, deliverToAll, isAlone, noReceivers, senderAbout, senderIn } from '../local/exchange.js'
import { sharesOf } from '../local/mail-shares.js'
import type { Kept } from '../local/mailboxes.js'
import { mailForAnybody } from '../local/room-mail.js'
import type { KeptMail } from './mail.js'
import { headOf, type LetterHead, letterOf } from './messages.js'
import { orIfDown, type RedisNode } from './node.js'
import type { Parts, Registrations } from './registrations.js'
import type { LocalRoom } from './room.js'
import type { LocalRooms } from './rooms.js'
import { broadcastOrKeep, expireMail, limitsOf, type MailLimits, sendOrKeep } from './scripts/mail.js'
import { broadcast, graceOfBatch, type LetterOutcome } from './scripts/relay.js'
import { endSession, sendInSession } from './scripts/sessions.js'

export interface RelayParts extends Parts {
  readonly registrations: Registrations
  readonly mailboxes: MailboxLimits
}

/** Frames for peers: directly to those of this node, and through Redis to those of others. */
export class RedisRelay implements Relay {
  readonly #process: string
  readonly #node: RedisNode
  readonly #rooms: LocalRooms
  readonly #kept: KeptMail
  readonly #registrations: Registrations
  readonly #limits: MailLimits
  readonly #limitsText: string
  /** Numbers the batches for those who are away. */
  #batches = 0

  constructor ({ process, node, rooms, kept, registrations, mailboxes }: RelayParts) {
    this.#process = process
    this.#node = node
    this.#rooms = rooms
    this.#kept = kept
    this.#registrations = registrations
    const { maxMessages, maxBytes } = mailboxes
    this.#limits = { all: { messages: maxMessages, bytes: maxBytes }, ...sharesOf(mailboxes) }
    this.#limitsText = limitsOf(this.#limits).join(' ')
  }

  /** See `NodeListener.keeping`. */
  keeping (): string {
    return this.#kept.isFull ? '' : `${this.#node.name}/${++this.#batches} ${this.#limitsText}`
  }

  /** Accounts for a frame that waits for a peer which is away. */
  onKept ([, room, to, from]: LetterHead, frame: Frame, batch: string): void {
    this.#kept.addForAway({ room, to, from, frame, keepMs: graceOfBatch(batch) + forgetAfterMs }, batch)
  }

  send (room: string, to: string, frame: FrameLike, from = ''): MaybePromise<SendOutcome> {
    const here = this.#registrations.localMember(room, to)
    if (here instanceof Promise) return here.then(() => this.send(room, to, frame, from))
    if (here !== undefined) return here.sink.deliver(frame, false, this.senderIn(room, from)) ? 'sent' : 'failed'
    if (!this.#node.isUp) return 'absent'
    const local = this.#rooms.get(room)
    const sender = local?.replica.has(to) === true ? local.members.get(from) : undefined
    const { outbox } = this.#node
    const head: LetterHead = ['frame', room, to, from]
    const sent = sender?.undeliverable === undefined ? outbox.ask(head, frame) : outbox.send(head, frame, sender.undeliverable)
    return andThen(sent, (sent) => {
      const outcome = this.#settled(head, frame, sent)
      if (outcome === 'kept') return 'sent'
      return outcome === 'full' ? 'absent' : outcome
    })
  }

  /** The outcome of a frame, which is accounted for if it is kept. */
  #settled (head: LetterHead, frame: FrameLike, outcome: LetterOutcome = 'full'): SendOutcome | 'kept' | 'full' {
    if (typeof outcome !== 'object') return outcome === 'away' ? 'absent' : outcome
    this.onKept(head, frameOf(frame), outcome.batch)
    return 'kept'
  }

  sendOrKeep (mail: Mail): MaybePromise<SendOutcome | 'kept' | 'full'> {
    const { room, from, to, frame } = mail
    const here = this.#registrations.localMember(room, to)
    if (here instanceof Promise) return here.then(() => this.sendOrKeep(mail))
    if (here !== undefined) return here.sink.deliver(frame, false, this.senderIn(room, from)) ? 'sent' : 'failed'
    if (!this.#node.isUp) return 'full'
    // Most receivers are present, so only keeping a frame costs a second round trip.
    const head: LetterHead = ['frame', room, to, from]
    return this.#node.outbox.ask(head, frame).then((answer) => {
      const sent = this.#settled(head, frame, answer)
      if (sent !== 'absent') return sent
      return this.#registrations.localMember(room, to) === undefined ? this.#keep(mail) : this.sendOrKeep(mail)
    })
  }

  /** Sends or keeps in one step, so a receiver that joined meanwhile gets the frame exactly once. */
  async #keep (mail: Mail): Promise<SendOutcome | 'kept' | 'full'> {
    const { room, from, to, keepMs } = mail
    const frame = frameOf(mail.frame)
    const weight = this.#kept.reserve(mail)
    if (weight === undefined) return 'full'
    let isKept = false
    const batch = this.#newBatch()
    try {
      const answer = await sendOrKeep(this.#node.run, this.#node.link.keys.of(room), {
        to,
        from,
        message: letterOf(['frame', room, to, from], frame),
        frame: frame.payload,
        keepMs,
        newBatch: batch,
        limits: this.#limits,
        origin: mail.origin
      })
      if (answer.outcome === 'kept') {
        isKept = true
        this.#kept.add(mail, weight, answer.batch, answer.batch === batch)
      }
      return answer.outcome
    } catch (error) {
      return orIfDown<'full'>(error, 'full')
    } finally {
      if (!isKept) this.#kept.giveBack(mail, weight)
    }
  }

  async expireMail (mail: Kept, batch: string): Promise<void> {
    const { room, to, from } = mail
    let count = 1
    try {
      count = await expireMail(this.#node.run, this.#node.link.keys.of(room), { to, from, batch })
    } catch (error) {
      // It may have been delivered. Better to notify the sender in vain than never.
      orIfDown(error, undefined)
    }
    if (count > 0) await this.tellExpired(mail)
  }

  /** Tells the sender of mail that it has not arrived. */
  async tellExpired ({ room, to, from, expired }: Kept): Promise<void> {
    if (expired === undefined) this.onLost(room, from, to, 'expired')
    else await this.send(room, from, expired())
  }

  /** The name of a batch. The node that delivers the batch notifies the node in it. */
  #newBatch (): string {
    return `${this.#node.name}/${randomUUID()}`
  }

  broadcastOrKeep (given: RoomMail): MaybePromise<number | 'kept' | 'full'> {
    const frame = frameOf(given.frame)
    const mail = mailForAnybody({ ...given, frame })
    const { room: name, from } = mail
    const { count, refusedBy } = this.deliverHere(name, () => frame, from, this.senderIn(name, from))
    if (refusedBy !== undefined) this.onLost(name, from, refusedBy, 'refused')
    if ((count > 0 && this.#isAllHere(name)) || !this.#node.isUp) return count > 0 ? count : 'full'
    return this.#broadcastOrKeep(mail, frame, count)
  }

  /** @param count the members on this node that got it */
  async #broadcastOrKeep (mail: Mail, frame: Frame, count: number): Promise<number | 'kept' | 'full'> {
    const { room: name, from, origin } = mail
    const weight = count > 0 ? undefined : this.#kept.reserve(mail)
    const batch = this.#newBatch()
    let isKept = false
    try {
      const answer = await broadcastOrKeep(this.#node.run, this.#node.link.keys.of(name), {
        from,
        message: letterOf(['signal', name, from, `${this.#process} ${from}`], frame),
        frameBytes: frame.byteLength,
        newBatch: weight === undefined ? undefined : batch,
        limits: this.#limits,
        origin,
        keeping: this.keeping()
      })
      if (answer.outcome === 'sent') {
        for (const { id, batch } of answer.kept) this.onKept(['frame', name, id, from], frame, batch)
        return answer.count
      }
      if (answer.outcome === 'full' || weight === undefined) return count > 0 ? count : 'full'
      isKept = true
      this.#kept.add(mail, weight, answer.batch, answer.batch === batch)
      // Who is joining gets it with the answer to the join.
      for (const { waiting } of this.#rooms.get(name)?.pending.values() ?? []) {
        const at = waiting.indexOf(frame)
        if (at !== -1) waiting.splice(at, 1)
      }
      return 'kept'
    } catch (error) {
      this.#rooms.refused(name, error)
      return orIfDown(error, count > 0 ? count : 'full')
    } finally {
      if (!isKept && weight !== undefined) this.#kept.giveBack(mail, weight)
    }
  }

  broadcast (name: string, frame: FrameLike, except?: string, { from = except, isSignal = false }: Origin = {}): MaybePromise<number> {
    const { count, refusedBy } = this.deliverHere(name, () => frame, except, this.senderIn(name, from))
    if (isSignal && refusedBy !== undefined) this.onLost(name, from ?? '', refusedBy, 'refused')
    if (this.#isAllHere(name) || !this.#node.isUp) return count
    const letter = letterOf([isSignal ? 'signal' : 'all', name, except ?? '', `${this.#process} ${from ?? ''}`], frame)
    const frameBytes = frameOf(frame).byteLength
    const step = { message: letter, frameBytes, except, from, keeping: isSignal ? this.keeping() : '' }
    return broadcast(this.#node.run, this.#node.link.keys.of(name), step)
      .then(({ members, kept }): number => {
        for (const { id, batch } of kept) this.onKept(['frame', name, id, from ?? ''], frameOf(frame), batch)
        return members - (except === undefined ? 0 : 1)
      }, (error: unknown) => {
        this.#rooms.refused(name, error)
        return orIfDown(error, count)
      })
  }

  /** Whether all members are on this node and Redis need not be asked. */
  #isAllHere (name: string): boolean {
    const room = this.#rooms.get(name)
    return room?.watcher !== undefined && room.lifetime === undefined && room.pending.size === 0 && room.going === 0 &&
      room.replica.size === room.members.size && room.members.size > 0
  }

  /** Delivers to the members on this node, and queues the frame for those whose join is pending. */
  deliverHere (name: string, make: () => FrameLike, except: string | undefined, from: Sender | undefined): BroadcastOutcome {
    const room = this.#rooms.get(name)
    if (room === undefined || (room.pending.size === 0 && isAlone(room.members, except))) return noReceivers
    const frame = frameOf(make())
    const outcome = deliverToAll(room.members, frame, except, from)
    this.#addForPending(room, frame, except)
    return outcome
  }

  broadcastHere (room: string, make: () => FrameLike, except?: string, about?: Peer): void {
    this.deliverHere(room, make, except, senderAbout(about))
  }

  listHere (name: string, make: () => FrameLike, isOutdated: () => boolean, except?: ReadonlySet<Sink>): number {
    const room = this.#rooms.get(name)
    if (room === undefined || (room.members.size === 0 && room.pending.size === 0)) return 0
    const list = frameOf(make())
    this.#addForPending(room, list)
    return deliverList(name, room.members, list, isOutdated, except)
  }

  /** Queues a frame for peers that others see as joined, but whose welcome is still pending. */
  #addForPending (room: LocalRoom, frame: FrameLike, except?: string): void {
    for (const { member: { id, sink }, previous: own, others, waiting } of room.pending.values()) {
      if (id === except || (room.watcher !== undefined && others === undefined)) continue
      if (room.members.get(id)?.sink !== sink && (own === undefined || room.members.get(own.id) !== own)) waiting.push(frame)
    }
  }

  sendInSession (signal: SessionSignal): MaybePromise<SendOutcome | 'foreign'> {
    const { room: name, from, to, session, begins, idleMs, frame } = signal
    const here = this.#registrations.localMember(name, to)
    if (here instanceof Promise) return here.then(() => this.sendInSession(signal))
    const known = here === undefined ? undefined : this.#rooms.get(name)?.sessions
    const resolved = session ?? known?.latest(from, to)
    const deliverLocal = (session: string | undefined, isReported: boolean): SendOutcome => {
      if (here?.sink.deliver(frame(session), false, this.senderIn(name, from)) !== true) return 'failed'
      if (session !== undefined && begins) known?.begin(session, from, to, idleMs)
      else if (session !== undefined) known?.touch(session, from, to, idleMs, isReported)
      return 'sent'
    }
    // Both peers are on this node and have the session. Its use is reported to Redis only now and then.
    const isRecent = here !== undefined && resolved !== undefined && !begins && known?.wasReported(resolved, from, to, idleMs / 20)
    if (isRecent === true) return deliverLocal(resolved, false)
    if (!this.#node.isUp) {
      if (here === undefined) return 'absent'
      const isForeign = session !== undefined && known?.[begins ? 'mayBegin' : 'mayUse'](session, from, to) === false
      return isForeign ? 'foreign' : deliverLocal(resolved, false)
    }
    const keys = this.#node.link.keys.of(name)
    const withoutSession = frameOf(frame(undefined))
    const [head = '', tail = ''] = String(payloadOf(frame(marker))).split(JSON.stringify(marker))
    const header = headOf(['frame', name, to, from], withoutSession.type)
    const isElsewhere = here === undefined
    const step = { from, to, session, begins, idleMs, header, head, tail, withoutSession: withoutSession.payload, isElsewhere }
    return sendInSession(this.#node.run, keys, { ...step, keeping: this.keeping() })
      .then(({ outcome, session: bound, isUnreadable, batch }) => {
        if (isUnreadable) this.#node.link.skipped++
        if (batch !== undefined) this.onKept(['frame', name, to, from], frameOf(frame(bound)), batch)
        if (here === undefined || outcome !== 'sent') return outcome
        const delivered = deliverLocal(bound, true)
        if (delivered === 'sent' || !begins || bound === undefined) return delivered
        // Without Redis the session ends by itself, after `idleMs`.
        return endSession(this.#node.run, keys, { from, to, session: bound })
          .then(() => delivered, (error: unknown) => orIfDown(error, delivered))
      }, (error: unknown) => orIfDown<SendOutcome>(error, here === undefined ? 'absent' : deliverLocal(resolved, false)))
  }

  senderIn (room: string, from: string | undefined): Sender | undefined {
    return senderIn(this.#rooms.get(room)?.members, from)
  }

  onLost (room: string, from: string, to: string, why: UndeliverableReason): void {
    this.#rooms.get(room)?.members.get(from)?.undeliverable?.(to, why)
  }
}

/**
 * The account of a frame for who is away ends with its mail. Should that not have been heard of, it ends with the mailbox, so long after
 * the grace. In ms.
 */
const forgetAfterMs = 60_000

/** Stands for the session in a frame that is composed before its session is known. */
const marker = `session-${randomUUID()}`
