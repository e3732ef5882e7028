import { randomUUID } from 'node:crypto'
import type { Log } from '../../telemetry/log.js'
import type { Timer, Timers } from '../../timing/timers.js'
import { within } from '../../timing/within.js'
import type { Frame } from '../../frame/bytes.js'
import { inBatches } from './in-batches.js'
import { nodesKey, roomsKey } from './keys.js'
import { RedisDown, type RedisLink, RedisRefused } from './link.js'
import type { LetterHead, NodeMessage, Probe } from './messages.js'
import { Outbox } from './outbox.js'
import { renew } from './scripts/leases.js'
import { reap } from './scripts/membership.js'
import { type LetterOutcome, send } from './scripts/relay.js'
import type { Run } from './scripts/script.js'
import { RedisWarnings } from './warnings.js'

/** A step is void if Redis executes it later than this. In ms. */
const stepTimeoutMs = 1_000
/** After an outage the other nodes have restored their peers by then. In ms. */
const restoreGraceMs = 5_000
const retryMs = 250
/** How long a step that only Redis can decide waits for a node to take its lease again. In ms. */
const backWithinMs = 1_000

export interface NodeListener {
  onMessage: (message: Exclude<NodeMessage, Probe>) => void
  /** The link is down, and all subscriptions have ended. */
  onDown: () => void
  /**
   * Restores in Redis what this node holds, under its new name. False if Redis refused a part of it.
   *
   * @param isEmptied Redis has lost its data
   */
  restoreAll: (isEmptied: boolean) => Promise<boolean>
  /** Restores the parts that were refused. False if some still are. */
  restoreRefused: () => Promise<boolean>
  /** The lease was renewed. */
  onRenewed: () => Promise<void>
  /** Whether a watcher hears who leaves the room. */
  isWatched: (room: string) => boolean
  /** How the next frames are kept for those who are away. See `keepForAway` in scripts/script.ts. */
  keeping: () => string
  /** A frame waits in this batch. */
  onKept: (head: LetterHead, frame: Frame, batch: string) => void
}

/**
 * This process as one node among others. It has a name, holds a lease under that name, and removes nodes whose lease has run out.
 * After a lost lease or link it takes a new name and restores everything under it. Steps in flight under the old name are void,
 * because every step carries the end of its node's lease.
 */
export class RedisNode {
  readonly link: RedisLink
  /** Frames for peers of other nodes. */
  readonly outbox: Outbox
  readonly counters = { renewals: 0, leasesLost: 0, peersRestored: 0, nodesReaped: 0, peersReaped: 0, framesDropped: 0 }
  readonly #leaseMs: number
  readonly #timers: Timers
  readonly #log: Log
  readonly #warnings: RedisWarnings
  #listener: NodeListener | undefined
  #name = ''
  /** Redis may hold data under the name. */
  #isNameUsed = false
  /** Earlier names under which Redis may still hold data. */
  readonly #former = new Set<string>()
  #renewedAt = -Infinity
  /** By the clock of Redis. */
  #leaseUntil = 0
  /** How far the clock of Redis is ahead of ours, at most. In ms. */
  #clockAhead = 0
  /** The difference between the clock of Redis and ours. Kept for as long as it may be right. In ms. */
  #clockOffset: number | undefined
  #generation: string | undefined
  /** Redis has lost its data. From then on it holds again what the other nodes hold. */
  #wholeFrom = -Infinity
  #mustReregister = false
  /** Redis has refused a command, and may hold outdated data under the name. */
  #isStale = false
  #isRegistered = false
  #reregistering: Promise<void> | undefined
  /** Called after each attempt to reregister. */
  #onTried = (): void => {}
  /** Earlier, other nodes may not have had the time to come back. */
  #reapsFrom = Infinity
  #isStarting = true
  #isReaping = false
  #leaseTimer: Timer | undefined
  #isClosed = false

  constructor (link: RedisLink, { leaseMs, timers, log }: { leaseMs: number, timers: Timers, log: Log }) {
    this.link = link
    this.outbox = new Outbox(
      (room) => link.keys.tagOf(room),
      async (room, batch) => await this.#handOver(room, batch),
      (head, frame, batch) => this.#listener?.onKept(head, frame, batch),
      (error) => log.error({ err: error }, 'frames for other nodes')
    )
    this.#leaseMs = leaseMs
    this.#timers = timers
    this.#log = log
    this.#warnings = new RedisWarnings(link, timers, log)
  }

  /** Its name while it holds its lease. */
  get name (): string {
    return this.#name
  }

  /** Redis is reached, and the lease held. */
  get isUp (): boolean {
    return this.link.isUp && this.#timers.now() - this.#renewedAt < this.#leaseMs
  }

  /** It is up, and Redis holds everything that this node holds. */
  get isReady (): boolean {
    return this.isUp && this.#isRegistered
  }

  /** Redis has lost its data, and other nodes may not have restored their peers yet. */
  get isRecovering (): boolean {
    return this.#timers.now() < this.#wholeFrom
  }

  /** How long other nodes may take to restore their peers after an outage. In ms. */
  get graceMs (): number {
    return Math.max(this.#leaseMs, restoreGraceMs)
  }

  /** Converts a time of our monotonic clock to the clock of Redis, which all nodes share. Undefined until Redis has answered once. */
  clockOfRedis (at: number): number | undefined {
    return this.#clockOffset === undefined ? undefined : at + this.#clockOffset
  }

  async start (listener: NodeListener): Promise<void> {
    this.#listener = listener
    await this.link.start(randomUUID(), {
      onMessage: listener.onMessage,
      onUp: () => {
        this.#warnings.eviction().catch((error: unknown) => this.#log.error({ err: error }, 'redis'))
        this.reregister()
      },
      onDown: () => {
        this.#isRegistered = false
        this.#renewedAt = -Infinity
        listener.onDown()
      }
    })
    // Redis may refuse what a node needs for as long as it likes.
    if (this.#reregistering !== undefined) await new Promise<void>((resolve) => { this.#onTried = resolve })
    this.#isStarting = false
    this.#scheduleRenewal()
  }

  /** Runs a script, which is void if Redis executes it too late. @throws RedisDown */
  readonly run: Run = async (script, keys, ...args) => {
    this.outbox.flush()
    return await this.#run(script, keys, ...args)
  }

  async #handOver (room: string, letters: Buffer): Promise<Map<number, LetterOutcome> | undefined> {
    try {
      return await send(this.#run, this.link.keys.of(room), letters, this.#listener?.keeping() ?? '')
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
      this.reregister()
      throw new RedisDown('too late', { cause: error })
    }
  }

  /** Takes a new name and restores everything under it. Called when Redis may not hold what this node holds. */
  reregister (): void {
    this.#isRegistered = false
    this.#mustReregister = true
    if (!this.link.isUp) return
    this.#reregistering ??= this.#reregisterUntilDone()
      .catch((error: unknown) => this.#log.error({ err: error }, 'bringing peers back'))
      .finally(() => {
        this.#reregistering = undefined
        this.#onTried()
      })
  }

  /** Settles when a node that has lost its lease is among the others again. At once without Redis. */
  async comeBack (): Promise<void> {
    if (this.isUp || !this.link.isUp) return
    if (this.#reregistering === undefined) this.reregister()
    await this.#reregistering
  }

  /** Waits for `comeBack`, but not for long. */
  async comeBackSoon (): Promise<void> {
    await within(backWithinMs, this.comeBack())
  }

  /** Repairs the data in Redis after a command that may or may not have been executed: at once, or once Redis no longer refuses. */
  mend (error: unknown): void {
    if (error instanceof RedisRefused) this.#isStale = true
    else if (error instanceof RedisDown) this.reregister()
    else this.#log.error({ err: error }, 'redis')
  }

  async close (): Promise<void> {
    this.#isClosed = true
    this.#timers.cancel(this.#leaseTimer)
    await this.#reregistering
    try {
      await this.#forget(this.#name)
    } catch (error) {
      orIfDown(error, undefined)
    }
    await this.link.close()
  }

  async #reregisterUntilDone (): Promise<void> {
    while (this.#mustReregister && this.link.isUp && !this.#isClosed) {
      this.#mustReregister = false
      try {
        await this.#reregisterOnce()
      } catch (error) {
        orIfDown(error, undefined)
        this.link.tell(error)
        this.#mustReregister = true
        this.#onTried()
        await new Promise<void>((resolve) => { this.#timers.schedule(retryMs, resolve) })
      }
    }
  }

  async #reregisterOnce (): Promise<void> {
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
    if (this.#mustReregister || !this.isUp) return
    this.#isRegistered = true
    // When Redis stood still, all nodes have lost their leases at once.
    this.#reapsFrom = this.#timers.now() + (this.#isStarting ? this.#leaseMs : this.graceMs)
    const restored = this.counters.peersRestored - peersRestored
    this.#log.info({ node: this.#name, restored, ms: Math.round(this.#timers.now() - startedAt) }, 'among the other nodes')
  }

  /** Removes the data of earlier names, once everything is held under this one. What Redis refuses is left for later. */
  async #reapFormer (): Promise<void> {
    for (const name of [...this.#former]) {
      try {
        await Promise.all(this.link.keys.tags.map(async (tag) => await this.link.unsubscribe(`${tag}:node:${name}`)))
        await this.#reap(name, false)
        this.#former.delete(name)
      } catch (error) {
        if (!(error instanceof RedisRefused)) throw error
      }
    }
  }

  /** Tries again what Redis has refused. */
  async #mendRest (): Promise<void> {
    if (!this.#isRegistered || await this.#listener?.restoreRefused() !== true) return
    await this.#reapFormer()
    if (this.#isStale && this.#former.size === 0) this.reregister()
  }

  #scheduleRenewal (): void {
    if (this.#isClosed) return
    this.#leaseTimer = this.#timers.schedule(this.#leaseMs / 3, () => {
      this.#renewLease()
        .catch((error: unknown) => { if (!(error instanceof RedisDown)) this.#log.error({ err: error }, 'lease') })
        .finally(() => this.#scheduleRenewal())
    })
  }

  async #renewLease (): Promise<void> {
    this.#warnings.losses(this.counters.framesDropped)
    if (!this.link.isUp) return
    if (!this.#isRegistered && this.#reregistering === undefined) return this.reregister()
    if (this.#renewedAt === -Infinity) return
    const dead = await this.#renew(false)
    if (dead === undefined) return this.reregister()
    if (dead.length > 0 && !this.#isReaping && this.#timers.now() >= this.#reapsFrom) {
      this.#reapAll(dead).catch((error: unknown) => this.#log.error({ err: error }, 'reaping'))
    }
    await this.#mendRest()
    await this.#listener?.onRenewed()
  }

  /** Returns the nodes whose lease has run out; undefined when this node's has, by Redis or by the node's own clock. */
  async #renew (begins: boolean): Promise<string[] | undefined> {
    const name = this.#name
    const sentAt = this.#timers.now()
    const askedAt = this.#timers.timeOfDay()
    const step = { node: name, leaseMs: this.#leaseMs, begins, newGeneration: randomUUID() }
    const { isHeld, clock, generation, dead } = await renew(async (...call) => await this.link.run(...call), step)
    this.#warnings.clock(clock, askedAt)
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
    const minAhead = clock - this.#timers.now()
    const isWrong = this.#clockOffset === undefined || this.#clockOffset < minAhead || this.#clockOffset > this.#clockAhead + 1
    if (isWrong) this.#clockOffset = (minAhead + this.#clockAhead) / 2
    if (this.#generation !== undefined && this.#generation !== generation) this.#wholeFrom = this.#timers.now() + this.graceMs
    this.#generation = generation
    this.counters.renewals++
    this.#log.debug({ node: name, ms: Math.round(this.#timers.now() - sentAt) }, 'lease renewed')
    return hasLapsed ? undefined : dead.filter((node) => !this.#former.has(node))
  }

  async #reapAll (nodes: readonly string[]): Promise<void> {
    this.#isReaping = true
    try {
      for (const node of nodes) {
        const { peers, isLast } = await this.#reap(node, true)
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

  /**
   * Makes a node's peers leave. Several nodes may try: each peer is removed, and announced, by one of them. With `keepsPlaces` those with a
   * grace are away from now on.
   */
  async #reap (node: string, keepsPlaces: boolean): Promise<{ peers: number, isLast: boolean }> {
    const rooms = await this.#roomsOf(node)
    let peers = 0
    let refusal: unknown
    await inBatches(rooms, async (room) => {
      try {
        const isWatched = this.#listener?.isWatched(room) === true
        peers += await reap(this.run, this.link.keys.of(room), { node, room, isWatched, keepsPlaces })
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
