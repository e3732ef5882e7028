import type { FastifyInstance } from 'fastify'
import { ConnectCapacity } from '../../src/limits/connect-capacity.js'
import type { ClientConnection } from '../../src/connection/connection.js'
import { Tracer, type TracedFrame } from '../../src/connection/tracer.js'
import { closeCodes } from '../../src/frame/close-codes.js'
import type { AuditRecord } from '../../src/telemetry/audit.js'
import { Tail, type TailPart } from '../../src/timing/tail.js'
import type { PeersAnswer, PeerSummary } from './console-schema.js'
import type { Draining, NodeStatus } from './node-schema.js'
import { drainNode, nameOf, nodeStatus, type Totals, totalsOf } from './report.js'

/** What one node is asked, by its name, and what it answers. */
export interface Questions {
  node: { ask: Record<string, never>, answer: NodeStatus }
  rooms: {
    ask: { search: string }
    /** The largest that fit, and how many others do. */
    answer: { rooms: Array<[room: string, peers: number]>, others: number }
  }
  peers: {
    ask: { dialect?: string | undefined, room?: string | undefined, search?: string | undefined, limit: number, after: number }
    answer: PeersAnswer
  }
  close: { ask: { number: number, reason: string, by: string }, answer: boolean }
  drain: { ask: { by: string }, answer: Draining }
  /** How many clients a second the node can let in. */
  capacity: { ask: Record<string, never>, answer: number }
  events: { ask: Looking, answer: { totals?: Totals, audit: TailPart<Recorded> } }
  follow: { ask: Target & Looking, answer: TailPart<TracedFrame> }
}

/** A reader's next look. */
export interface Looking {
  /** Where its last one ended. */
  readonly cursor?: number | undefined
  /** A second has passed since the node was counted. */
  readonly isSecond: boolean
}

/** A peer, by its room and id. */
export interface Target {
  readonly room: string
  readonly id: string
}

export type Recorded = AuditRecord & { readonly time: number }

type Name = keyof Questions
export type Ask<N extends Name> = Questions[N]['ask']
export type Answer<N extends Name> = Questions[N]['answer']
type Answers = { readonly [N in Name]: (ask: Ask<N>) => Answer<N> }

/** A node's answer. */
export interface FromNode<T> {
  /** The name that it gives itself, in which those of its connections begin. */
  readonly node: string
  /** What Redis calls it. It may change. '' for this node. */
  readonly name: string
  readonly answer: T
}

/** Rooms that a node tells of, so that its answer stays small on the way through Redis. */
export const maxRoomsTold = 1_000
/** Follows of one node at a time. */
const maxFollowed = 16

/** Asks nodes, this one and the others on the same Redis, and answers them. */
export class ClusterView {
  readonly here: string
  readonly #app: FastifyInstance
  readonly #answers: Answers
  /** What Redis calls the others, by the names that they give themselves. */
  readonly #names = new Map<string, string>()
  readonly #audit: Tail<Recorded>
  readonly #tracer: Tracer
  readonly #follows = new Map<string, Tail<TracedFrame>>()

  constructor (app: FastifyInstance) {
    const { connections, dialects, eventLoop, timers, audit } = app.signalbox
    const capacity = new ConnectCapacity()
    let accepted = 0
    eventLoop.onReport(({ utilization }) => {
      capacity.note({ utilization, connects: connections.accepted - accepted })
      accepted = connections.accepted
    })
    connections.capacityElsewhere = async () => await this.#capacityElsewhere()
    this.#app = app
    this.here = connections.node
    this.#tracer = new Tracer({ state: app.state, events: connections.events, dialects, timers })
    this.#audit = new Tail(timers, (tell) => {
      audit.onRecord = (record) => tell({ ...record, time: timers.timeOfDay() })
      return () => { audit.onRecord = undefined }
    })
    this.#answers = {
      node: () => nodeStatus(app),
      rooms: ({ search }) => this.#rooms(search),
      peers: (ask) => this.#peers(ask),
      close: (ask) => this.#close(ask),
      drain: ({ by }) => drainNode(app, by),
      capacity: () => connections.isDraining ? 0 : capacity.perSecond,
      events: ({ cursor, isSecond }) => ({ ...(isSecond && { totals: totalsOf(app) }), audit: this.#audit.read(cursor) }),
      follow: (ask) => this.#follow(ask)
    }
    app.state.nodes?.respond((question) => {
      const { name, ask } = JSON.parse(question) as { name: Name, ask: never }
      // A newer node may ask what this one does not know.
      const answer = Object.hasOwn(this.#answers, name) ? this.#answers[name](ask) : null
      return JSON.stringify({ node: this.here, answer })
    })
  }

  close (): void {
    this.#audit.stop()
    for (const tail of this.#follows.values()) tail.stop()
  }

  /** Asks this node. */
  askHere<N extends Name> (name: N, ask: Ask<N>): Answer<N> {
    return this.#answers[name](ask)
  }

  /** Asks all other nodes at once. `silent` is how many did not answer; undefined while Redis is away. */
  async askOthers<N extends Name> (
    name: N, ask: (node: string) => Ask<N>
  ): Promise<{ answers: Array<FromNode<Answer<N>>>, silent: number | undefined }> {
    const others = this.#app.state.nodes === undefined ? [] : await this.#app.state.nodes.others()
    if (others === undefined) return { answers: [], silent: undefined }
    const asked = await Promise.all(others.map(async (other) => await this.#put(other, name, ask(other))))
    const answers = asked.filter((answer) => answer !== undefined)
    return { answers, silent: others.length - answers.length }
  }

  /** Undefined where there is no other node, or one is of an older version. */
  async #capacityElsewhere (): Promise<number | undefined> {
    const { answers } = await this.askOthers('capacity', () => ({}))
    const known = answers.map(({ answer }) => answer).filter((perSecond) => typeof perSecond === 'number')
    return known.length === 0 ? undefined : known.reduce((sum, perSecond) => sum + perSecond, 0)
  }

  /** Asks one node by the name that it gives itself. Undefined if it is not there, or does not answer. */
  async askOne<N extends Name> (node: string, name: N, ask: Ask<N>): Promise<Answer<N> | undefined> {
    if (node === this.here) return this.askHere(name, ask)
    if (!this.#names.has(node)) await this.askOthers('node', () => ({}))
    const other = this.#names.get(node)
    return other === undefined ? undefined : (await this.#put(other, name, ask))?.answer
  }

  /** Audits that somebody follows a peer, on the node that was asked. */
  noteTrace ({ room, id }: Target, by: string): void {
    this.#app.signalbox.audit.info({ event: 'traced', dialect: room.split('/', 1)[0], room, id, by })
  }

  async #put<N extends Name> (other: string, name: N, ask: Ask<N>): Promise<FromNode<Answer<N>> | undefined> {
    const text = await this.#app.state.nodes?.ask(other, JSON.stringify({ name, ask }))
    if (text === undefined) {
      for (const [node, known] of this.#names) if (known === other) this.#names.delete(node)
      return undefined
    }
    const { node, answer } = JSON.parse(text) as { node: string, answer: Answer<N> | null }
    this.#names.set(node, other)
    return answer === null ? undefined : { node, name: other, answer }
  }

  #rooms (search: string): Answer<'rooms'> {
    const counts = new Map<string, number>()
    for (const { members } of this.#app.signalbox.connections) {
      for (const { room } of members) counts.set(room, (counts.get(room) ?? 0) + 1)
    }
    const wanted = search.toLowerCase()
    const rooms = [...counts].filter(([room]) => room.toLowerCase().includes(wanted)).sort(([, one], [, other]) => other - one)
    return { rooms: rooms.slice(0, maxRoomsTold), others: Math.max(0, rooms.length - maxRoomsTold) }
  }

  #peers ({ dialect, room, search, limit, after }: Ask<'peers'>): PeersAnswer {
    const { connections, timers } = this.#app.signalbox
    const now = timers.timeOfDay()
    const peers: PeerSummary[] = []
    const wanted = search?.toLowerCase()
    let last: ClientConnection | undefined
    for (const connection of connections) {
      if (connection.number <= after || (dialect !== undefined && connection.dialect !== dialect)) continue
      if (peers.length >= limit) return { peers, next: nameOf(last as ClientConnection, this.here) }
      for (const row of this.#rowsOf(connection, now)) {
        if (room !== undefined && row.room !== room) continue
        const { id = '', subject = '', address } = row
        const fits = wanted === undefined || [id, row.room ?? '', subject, address].some((text) => text.toLowerCase().includes(wanted))
        if (fits) peers.push(row)
      }
      last = connection
    }
    return { peers }
  }

  /** One row for each id, or one for a client that has none. */
  #rowsOf (connection: ClientConnection, now: number): PeerSummary[] {
    const { dialect, members, may: { subject }, address, openedAt, seenAt, received, sent, bufferedBytes } = connection
    const row: PeerSummary = {
      connection: nameOf(connection, this.here),
      ...(dialect !== undefined && { dialect }),
      ...(subject !== undefined && { subject }),
      address,
      openedAt: Math.round(openedAt),
      idleMs: Math.max(0, Math.round(now - seenAt)),
      received,
      sent,
      bufferedBytes
    }
    return members.length === 0 ? [row] : members.map(({ room, id }) => ({ ...row, room, id }))
  }

  #close ({ number, reason, by }: Ask<'close'>): boolean {
    for (const connection of this.#app.signalbox.connections) {
      if (connection.number !== number) continue
      connection.close(closeCodes.policy, reason, by)
      return true
    }
    return false
  }

  #follow ({ room, id, cursor }: Ask<'follow'>): TailPart<TracedFrame> {
    const key = `${room}\n${id}`
    let tail = this.#follows.get(key)
    if (tail === undefined) {
      if (this.#follows.size >= maxFollowed) return { records: [], cursor: 0, omitted: 0 }
      const start = (tell: (frame: TracedFrame) => void): (() => void) => this.#tracer.follow(room, id, tell)
      tail = new Tail(this.#app.signalbox.timers, start, () => { this.#follows.delete(key) })
      this.#follows.set(key, tail)
    }
    return tail.read(cursor)
  }
}
