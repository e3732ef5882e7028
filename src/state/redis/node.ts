import { randomUUID } from 'node:crypto'
import type { Log } from '../../telemetry/log.js'
import type { Timer, Timers } from '../../timing/timers.js'
import type { SendOutcome } from '../contract.js'
import { nodesKey, roomsKey } from './keys.js'
import { RedisDown, type RedisLink, RedisRefused } from './link.js'
import type { NodeMessage, Probe } from './messages.js'
import { Outbox } from './outbox.js'
import { renew } from './scripts/leases.js'
import { reap } from './scripts/membership.js'
import { send } from './scripts/relay.js'
import type { Run } from './scripts/script.js'

/** A step that Redis comes to later than this is void. In ms. */
const stepTimeoutMs = 1_000
/** By then a node that lost Redis when we did has brought its peers back. In ms. */
const restoreGraceMs = 5_000
const retryMs = 250
/** Rooms or peers of which Redis is told at once. */
const atOnce = 200

export interface NodeListener {
  onMessage: (message: Exclude<NodeMessage, Probe>) => void
  /** Nothing that was listened to is any more. */
  onDown: () => void
  /** Makes Redis hold what this node holds, under its new name. `isEmptied`: it has lost what it held. False when it refused a part of it. */
  restoreAll: (isEmptied: boolean) => Promise<boolean>
  /** The same for the parts that were refused. */
  restoreRefused: () => Promise<boolean>
  /** The lease was renewed. */
  onRenewed: () => Promise<void>
  /** Whether anybody wants to know who leaves the room. */
  isWatched: (room: string) => boolean
}

/**
 * This process among the others: its name, the lease it holds under that name, and the end of those that lost theirs. When
 * the lease or the link was lost it takes a new name and brings everything back under it; what was on its way under
 * the old one is void, because every step carries the end of its node's lease.
 */
export class RedisNode {
  readonly link: RedisLink
  /** Frames for peers of other nodes. */
  readonly outbox: Outbox
  readonly counters = { renewals: 0, leasesLost: 0, peersRestored: 0, nodesReaped: 0, peersReaped: 0, framesDropped: 0 }
  readonly #leaseMs: number
  readonly #timers: Timers
  readonly #log: Log
  #listener: NodeListener | undefined
  #name = ''
  /** Redis may hold something under the name. */
  #isNameUsed = false
  /** Earlier names of which Redis may still hold something. */
  readonly #former = new Set<string>()
  #renewedAt = -Infinity
  /** By the clock of Redis, which is at most so far ahead of ours. */
  #leaseUntil = 0
  #clockAhead = 0
  /** What to add to our clock for that of Redis. It stays the same for as long as it may be right. */
  #clockOffset: number | undefined
  #generation: string | undefined
  #mustSettle = false
  /** Redis has refused something, and may hold under the name what has gone. */
  #isStale = false
  #isSettled = false
  #settling: Promise<void> | undefined
  /** Before, others may not have had the time to come back. */
  #reapsFrom = Infinity
  #isStarting = true
  #isReaping = false
  readonly #told = { dropped: 0, skipped: 0, refused: 0 }
  #beat: Timer | undefined
  #isClosed = false

  constructor (link: RedisLink, { leaseMs, timers, log }: { leaseMs: number, timers: Timers, log: Log }) {
    this.link = link
    this.outbox = new Outbox((room) => link.keys.tagOf(room), async (room, batch) => await this.#handOver(room, batch), (error) => log.error({ err: error }, 'frames for other nodes'))
    this.#leaseMs = leaseMs
    this.#timers = timers
    this.#log = log
  }

  /** Its name while it holds its lease. */
  get name (): string {
    return this.#name
  }

  /** Redis is reached, and the lease held. */
  get isUp (): boolean {
    return this.link.isUp && this.#timers.now() - this.#renewedAt < this.#leaseMs
  }

  /** And Redis holds all that this node does. */
  get isReady (): boolean {
    return this.isUp && this.#isSettled
  }

  /** How long after an outage the others may take to bring theirs back. In ms. */
  get graceMs (): number {
    return Math.max(this.#leaseMs, restoreGraceMs)
  }

  /** A time of our monotonic clock by the clock of Redis, which all nodes can compare. Undefined until that was seen. */
  clockOfRedis (at: number): number | undefined {
    return this.#clockOffset === undefined ? undefined : at + this.#clockOffset
  }

  async start (listener: NodeListener): Promise<void> {
    this.#listener = listener
    await this.link.start(randomUUID(), {
      onMessage: listener.onMessage,
      onUp: () => this.settle(),
      onDown: () => {
        this.#isSettled = false
        this.#renewedAt = -Infinity
        listener.onDown()
      }
    })
    await this.#settling
    this.#isStarting = false
    this.#awaitBeat()
  }

  /** Runs a script, which is void if Redis comes to it too late. @throws RedisDown */
  readonly run: Run = async (script, keys, ...args) => {
    this.outbox.flush()
    return await this.#run(script, keys, ...args)
  }

  async #handOver (room: string, letters: Buffer): Promise<Map<number, SendOutcome> | undefined> {
    try {
      return await send(this.#run, this.link.keys.of(room), letters)
    } catch (error) {
      return orIfDown(error, undefined)
    }
  }

  readonly #run: Run = async (script, keys, ...args) => {
    if (!this.isUp) throw new RedisDown()
    const voidFrom = Math.min(this.#timers.now() + this.#clockAhead + stepTimeoutMs, this.#leaseUntil)
    try {
      return await this.link.run(script, keys, ...args, voidFrom)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('LATE'))) throw error
      this.settle()
      throw new RedisDown('too late', { cause: error })
    }
  }

  /** Takes a new name and brings everything back under it: for when Redis may not hold what this node does. */
  settle (): void {
    this.#isSettled = false
    this.#mustSettle = true
    if (!this.link.isUp) return
    this.#settling ??= this.#settleAll()
      .catch((error: unknown) => this.#log.error({ err: error }, 'bringing peers back'))
      .finally(() => { this.#settling = undefined })
  }

  /** Something has failed that Redis may have done or not. It will hold what this node does: at once, or when it may not refuse any more. */
  mend (error: unknown): void {
    if (error instanceof RedisRefused) this.#isStale = true
    else if (error instanceof RedisDown) this.settle()
    else this.#log.error({ err: error }, 'redis')
  }

  async close (): Promise<void> {
    this.#isClosed = true
    this.#timers.cancel(this.#beat)
    await this.#settling
    try {
      await this.#forget(this.#name)
    } catch (error) {
      orIfDown(error, undefined)
    }
    await this.link.close()
  }

  async #settleAll (): Promise<void> {
    while (this.#mustSettle && this.link.isUp && !this.#isClosed) {
      this.#mustSettle = false
      try {
        await this.#settleOnce()
      } catch (error) {
        orIfDown(error, undefined)
        this.#mustSettle = true
        await new Promise<void>((resolve) => { this.#timers.schedule(retryMs, resolve) })
      }
    }
  }

  async #settleOnce (): Promise<void> {
    const startedAt = this.#timers.now()
    const { peersRestored } = this.counters
    const { tags } = this.link.keys
    this.#isStale = false
    if (this.#isNameUsed) this.#former.add(this.#name)
    this.#renewedAt = -Infinity
    this.#reapsFrom = Infinity
    if (this.#isNameUsed || this.#name === '') this.#name = randomUUID()
    this.#isNameUsed = false
    await Promise.all(tags.map(async (tag) => await this.link.subscribe(`${tag}:node:${this.#name}`)))
    const generation = this.#generation
    await this.#renew(true)
    const isWhole = await this.#listener?.restoreAll(generation !== undefined && generation !== this.#generation)
    if (isWhole === true) await this.#reapFormer()
    if (this.#mustSettle || !this.isUp) return
    this.#isSettled = true
    // When Redis stood still, all nodes have lost their leases at once.
    this.#reapsFrom = this.#timers.now() + (this.#isStarting ? this.#leaseMs : this.graceMs)
    this.#log.info({ node: this.#name, restored: this.counters.peersRestored - peersRestored, ms: Math.round(this.#timers.now() - startedAt) }, 'among the other nodes')
  }

  /** Ends what was held under earlier names, once everything is held under this one. What Redis refuses to end is left for later. */
  async #reapFormer (): Promise<void> {
    for (const name of [...this.#former]) {
      try {
        await Promise.all(this.link.keys.tags.map(async (tag) => await this.link.unsubscribe(`${tag}:node:${name}`)))
        await this.#reap(name)
        this.#former.delete(name)
      } catch (error) {
        if (!(error instanceof RedisRefused)) throw error
      }
    }
  }

  /** Tries again what Redis has refused. */
  async #mendRest (): Promise<void> {
    if (!this.#isSettled || await this.#listener?.restoreRefused() !== true) return
    await this.#reapFormer()
    if (this.#isStale && this.#former.size === 0) this.settle()
  }

  #awaitBeat (): void {
    if (this.#isClosed) return
    this.#beat = this.#timers.schedule(this.#leaseMs / 3, () => {
      this.#onBeat()
        .catch((error: unknown) => { if (!(error instanceof RedisDown)) this.#log.error({ err: error }, 'lease') })
        .finally(() => this.#awaitBeat())
    })
  }

  async #onBeat (): Promise<void> {
    this.#report()
    if (!this.link.isUp) return
    if (!this.#isSettled && this.#settling === undefined) return this.settle()
    if (this.#renewedAt === -Infinity) return
    const dead = await this.#renew(false)
    if (dead === undefined) return this.settle()
    if (dead.length > 0 && !this.#isReaping && this.#timers.now() >= this.#reapsFrom) this.#reapAll(dead).catch((error: unknown) => this.#log.error({ err: error }, 'reaping'))
    await this.#mendRest()
    await this.#listener?.onRenewed()
  }

  /** Says what has come up since the last time, once and without its content. */
  #report (): void {
    const { link, counters: { framesDropped } } = this
    const since = (name: 'dropped' | 'skipped' | 'refused', total: number): number => {
      const count = total - this.#told[name]
      this.#told[name] = total
      return count
    }
    const [dropped, skipped, refused] = [since('dropped', framesDropped), since('skipped', link.skipped), since('refused', link.refused)]
    if (dropped > 0) this.#log.warn({ dropped }, 'frames dropped: their receivers had gone')
    if (skipped > 0) this.#log.warn({ skipped, ...(link.failure !== undefined && { err: link.failure }) }, 'messages from Redis skipped: not understood')
    if (refused > 0) this.#log.warn({ refused, reason: link.refusal }, 'redis refused commands')
    link.failure = undefined
  }

  /** Returns the nodes whose lease has run out; undefined when this node's has, by Redis or by the node's own clock. */
  async #renew (begins: boolean): Promise<string[] | undefined> {
    const name = this.#name
    const sentAt = this.#timers.now()
    const step = { node: name, leaseMs: this.#leaseMs, begins, newGeneration: randomUUID() }
    const { isHeld, clock, generation, dead } = await renew(async (...call) => await this.link.run(...call), step)
    // Another name's by now.
    if (name !== this.#name) return []
    if (!isHeld) {
      this.counters.leasesLost++
      this.#log.warn({ node: name }, 'lease lost')
      return undefined
    }
    // Without its lease the node decides alone, and Redis does not know who has joined since. A renewal may have been sent before
    // the lease lapsed and be answered after that.
    const hasLapsed = !begins && !this.isUp
    this.#isNameUsed = true
    this.#renewedAt = sentAt
    this.#leaseUntil = clock + this.#leaseMs
    this.#clockAhead = clock - sentAt
    const leastAhead = clock - this.#timers.now()
    if (this.#clockOffset === undefined || this.#clockOffset < leastAhead || this.#clockOffset > this.#clockAhead + 1) this.#clockOffset = (leastAhead + this.#clockAhead) / 2
    this.#generation = generation
    this.counters.renewals++
    this.#log.debug({ node: name, ms: Math.round(this.#timers.now() - sentAt) }, 'lease renewed')
    return hasLapsed ? undefined : dead.filter((node) => !this.#former.has(node))
  }

  async #reapAll (nodes: readonly string[]): Promise<void> {
    this.#isReaping = true
    try {
      for (const node of nodes) {
        const { peers, isLast } = await this.#reap(node)
        this.counters.peersReaped += peers
        if (!isLast) continue
        this.counters.nodesReaped++
        this.#log.warn({ node, peers }, 'node reaped')
      }
    } catch (error) {
      orIfDown(error, undefined)
    } finally {
      this.#isReaping = false
    }
  }

  /** Makes a node's peers leave. Several nodes may try: each peer is removed, and announced, by one of them. */
  async #reap (node: string): Promise<{ peers: number, isLast: boolean }> {
    const rooms = await this.#roomsOf(node)
    let peers = 0
    let refusal: unknown
    await inBatches(rooms, async (room) => {
      try {
        peers += await reap(this.run, this.link.keys.of(room), { node, room, isWatched: this.#listener?.isWatched(room) === true })
      } catch (error) {
        if (!(error instanceof RedisRefused)) throw error
        refusal = error
      }
    })
    if (refusal !== undefined) throw refusal
    return { peers, isLast: await this.#forget(node) }
  }

  async #roomsOf (node: string): Promise<string[]> {
    try {
      return await this.link.command(async (client) => await client.smembers(roomsKey(node))) as string[]
    } catch (error) {
      // Somebody has put something else in its place: which rooms they were nobody knows any more.
      if (error instanceof RedisRefused && error.code === 'WRONGTYPE') return []
      throw error
    }
  }

  /** Answers whether the others knew of it. */
  async #forget (node: string): Promise<boolean> {
    await this.link.command(async (client) => await client.del(roomsKey(node)))
    return await this.link.command(async (client) => await client.zrem(nodesKey, node)) === 1
  }
}

/** What to do when Redis did not do what it was asked; any other error goes on. */
export function orIfDown<T> (error: unknown, value: T): T {
  if (error instanceof RedisDown) return value
  throw error
}

/** Not one after the other, which would take as many round trips, and not all at once. */
export async function inBatches<T> (all: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < all.length; at += atOnce) await Promise.all(all.slice(at, at + atOnce).map(work))
}
