import { randomUUID } from 'node:crypto'
import type { Log } from '../../telemetry/log.js'
import type { Timers } from '../../timing/timers.js'
import type { MailboxLimits, Peers, Relay, Rooms, Sessions, State, StateCounters, StateSize } from '../contract.js'
import { sizeOf } from '../local/exchange.js'
import { membershipOf } from '../membership.js'
import { redisAttempts } from './attempts.js'
import { Away } from './away.js'
import { Holders } from './holders.js'
import { inBatches } from './in-batches.js'
import { Inbox } from './inbox.js'
import { RedisLink } from './link.js'
import { KeptMail } from './mail.js'
import { RedisNode } from './node.js'
import { Questions } from './questions.js'
import { Recovery } from './recovery.js'
import { Registrations } from './registrations.js'
import { RedisRelay } from './relay.js'
import { redisRooms } from './room-codes.js'
import type { Registration } from './room.js'
import { LocalRooms } from './rooms.js'

export interface RedisStateOptions {
  /** `REDIS_URL` */
  urls: readonly string[]
  /** `REDIS_CA` */
  authority?: string
  /** ms after which a node that does not renew counts as dead. */
  leaseMs: number
  mailboxes: MailboxLimits
  /** Most rooms that a connection may be in. */
  maxRoomsPerClient?: number
  /** How long a client has to answer when it is asked whether it is there, in ms. 0, the default: it is not asked. */
  probeMs?: number
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

/** Composes the parts: registrations, relay, inbox, recovery. */
class RedisExchange implements RedisState {
  readonly link: RedisLink
  readonly peers: Peers
  readonly rooms: Rooms
  readonly relay: Relay
  readonly sessions: Sessions
  readonly attempts: ReturnType<typeof redisAttempts>
  readonly nodes: Questions
  readonly #node: RedisNode
  readonly #rooms: LocalRooms
  readonly #kept: KeptMail
  readonly #registrations: Registrations
  readonly #away: Away
  readonly #relay: RedisRelay
  readonly #inbox: Inbox
  readonly #recovery: Recovery

  constructor ({ urls, authority, leaseMs, mailboxes, maxRoomsPerClient, probeMs = 0, timers, log }: RedisStateOptions) {
    this.link = new RedisLink(urls, log, authority)
    const node = this.#node = new RedisNode(this.link, { leaseMs, timers, log })
    const rooms = this.#rooms = new LocalRooms(node, timers)
    const kept = this.#kept = new KeptMail(timers, mailboxes, (mail, batch) => {
      relay.expireMail(mail, batch).catch((error: unknown) => log.error({ err: error }, 'mail'))
    })
    const parts = { process: randomUUID(), node, rooms, kept, timers }
    const holders = new Holders({ node, rooms, timers, log, probeMs, leave: (...leaving) => this.peers.leave(...leaving) })
    const away = this.#away = new Away({ node, rooms, timers, log })
    const registrations = this.#registrations = new Registrations({ ...parts, holders, away })
    const relay = this.#relay = new RedisRelay({ ...parts, registrations, mailboxes })
    const questions = this.nodes = new Questions(node, timers, log)
    this.#inbox = new Inbox({ ...parts, registrations, relay, holders, questions })
    this.#recovery = new Recovery({ ...parts, registrations, relay })
    this.peers = membershipOf({
      join: (request) => registrations.join(request),
      leave: (member, mayReturn) => registrations.leave(member as Registration, mayReturn),
      disconnect: (room, id, request) => registrations.disconnect(room, id, request),
      list: (room) => rooms.list(room),
      count: (room) => rooms.count(room),
      sample: (room, count, except) => rooms.sample(room, count, except),
      here: (room) => rooms.membersHere(room),
      roomNames: (prefix) => rooms.names(prefix),
      watch: (dialect, watcher) => rooms.watch(dialect, watcher)
    }, maxRoomsPerClient)
    this.rooms = redisRooms(node, timers)
    // Functions of their own, so that they may be taken apart and wrapped.
    this.relay = {
      send: (room, to, frame, from) => relay.send(room, to, frame, from),
      sendOrKeep: (mail) => relay.sendOrKeep(mail),
      broadcastOrKeep: (mail) => relay.broadcastOrKeep(mail),
      broadcast: (room, frame, except, origin) => relay.broadcast(room, frame, except, origin),
      broadcastHere: (room, make, except, about) => relay.broadcastHere(room, make, except, about),
      listHere: (room, make, isOutdated, except) => relay.listHere(room, make, isOutdated, except)
    }
    this.sessions = { send: (signal) => relay.sendInSession(signal) }
    this.attempts = redisAttempts(node, timers)
  }

  get isReady (): boolean {
    return this.#node.isReady
  }

  get counters (): StateCounters {
    const { connects, roundTripMs, skipped, refused } = this.link
    return {
      ...this.#node.counters,
      reconnects: Math.max(0, connects - 1),
      roundTripMs,
      messagesSkipped: skipped,
      commandsRefused: refused
    }
  }

  async start (): Promise<void> {
    await this.#node.start({
      onMessage: (message) => this.#inbox.onMessage(message),
      onDown: () => this.#rooms.onDown(),
      restoreAll: async (isEmptied) => await this.#recovery.restoreAll(isEmptied),
      restoreRefused: async () => await this.#recovery.restoreRefused(),
      onRenewed: async () => {
        await this.#rooms.tellSeen()
        await this.#away.sweep()
      },
      keeping: () => this.#relay.keeping(),
      onKept: (head, frame, batch) => this.#relay.onKept(head, frame, batch),
      isWatched: (room) => this.#rooms.watcherOf(room) !== undefined
    })
  }

  size (): StateSize {
    return {
      ...sizeOf(this.#rooms.all),
      mailboxes: this.#kept.size,
      mailboxBytes: this.#kept.bytes,
      attempts: this.attempts.size
    }
  }

  async close (): Promise<void> {
    const members = this.#rooms.all.flatMap(({ members }) => [...members.values()])
    await inBatches(members, async (member) => await this.#registrations.leave(member, true))
    await this.#node.close()
  }
}
