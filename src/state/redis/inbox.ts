import type { Holders } from './holders.js'
import type { KeptMail } from './mail.js'
import type { NodeMessage, Probe } from './messages.js'
import type { RedisNode } from './node.js'
import type { Questions } from './questions.js'
import type { Parts, Registrations } from './registrations.js'
import type { RedisRelay } from './relay.js'
import type { LocalRooms } from './rooms.js'

export interface InboxParts extends Parts {
  readonly registrations: Registrations
  readonly relay: RedisRelay
  readonly holders: Holders
  readonly questions: Questions
}

/** Handles messages from other nodes and from scripts. */
export class Inbox {
  readonly #process: string
  readonly #node: RedisNode
  readonly #rooms: LocalRooms
  readonly #kept: KeptMail
  readonly #registrations: Registrations
  readonly #relay: RedisRelay
  readonly #holders: Holders
  readonly #questions: Questions

  constructor ({ process, node, rooms, kept, registrations, relay, holders, questions }: InboxParts) {
    this.#process = process
    this.#node = node
    this.#rooms = rooms
    this.#kept = kept
    this.#registrations = registrations
    this.#relay = relay
    this.#holders = holders
    this.#questions = questions
  }

  onMessage (message: Exclude<NodeMessage, Probe>): void {
    switch (message.kind) {
      case 'frame': return this.#onFrame(message)
      case 'all': return this.#onAll(message)
      case 'lost': return this.#relay.onLost(message.room, message.to, message.from, message.why)
      case 'away': return this.#registrations.onAway(message)
      case 'disconnect': return this.#onDisconnect(message)
      case 'close': return this.#onClose(message)
      case 'ask': return this.#holders.onQuestion(message)
      case 'answer': return this.#holders.onAnswer(message)
      case 'query': return this.#questions.onQuery(message)
      case 'reply': return this.#questions.onReply(message)
      case 'found': return this.#kept.found(message.batch)
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

  #onFrame (message: Extract<NodeMessage, { kind: 'frame' }>): void {
    const { room: name, to, from, frame } = message
    const room = this.#rooms.get(name)
    const pending = room?.pending.get(to)
    if (pending !== undefined) {
      pending.waiting.push(frame)
      return
    }
    const member = room?.members.get(to)
    if (member?.held !== undefined) {
      member.held.push(() => this.#onFrame(message))
      return
    }
    if (member?.sink.deliver(frame, false, this.#relay.senderIn(name, from)) === true) return
    this.#node.counters.framesDropped++
    if (from !== '') this.#tellLost(name, from, to)
  }

  /** A node that stood still hears what was sent to it before it is among the others again. */
  #tellLost (room: string, from: string, to: string): void {
    if (this.#node.isUp) this.#node.outbox.notify(['lost', room, from, to])
    else this.#node.comeBack().then(() => { if (this.#node.isUp) this.#node.outbox.notify(['lost', room, from, to]) }, () => {})
  }

  #onAll ({ room, except, process, from, isSignal, frame }: Extract<NodeMessage, { kind: 'all' }>): void {
    if (process === this.#process) return
    const { refusedBy } = this.#relay.deliverHere(room, () => frame, except, this.#relay.senderIn(room, from))
    if (isSignal && refusedBy !== undefined) this.#tellLost(room, from, refusedBy)
  }

  #onClose ({ room: name, id, registrationId, code }: Extract<NodeMessage, { kind: 'close' }>): void {
    const room = this.#rooms.get(name)
    const pending = room?.pending.get(id)
    if (pending?.member.registrationId === registrationId) pending.isReplaced = true
    const member = room?.members.get(id)
    if (room === undefined || member?.registrationId !== registrationId) return
    room.members.delete(id)
    member.sink.close(code)
    this.#rooms.release(room)
  }

  #onDisconnect (message: Extract<NodeMessage, { kind: 'disconnect' }>): void {
    const { room, to, ending: { code, reason, by } } = message
    const here = this.#registrations.localMember(room, to)
    if (here instanceof Promise) here.then(() => this.#onDisconnect(message)).catch((error: unknown) => this.#node.mend(error))
    else here?.sink.close(code, reason, by)
  }
}
