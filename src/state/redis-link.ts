import { randomUUID } from 'node:crypto'
import { Cluster, Redis } from 'ioredis'
import type { Log } from '../connection.js'
import { type ScriptName, scriptsFor } from './redis-scripts.js'

/** Nothing waits longer than this for Redis. In ms. */
const commandTimeoutMs = 1_000
const retryMs = 250
const probeEveryMs = 500
/** A probe that is not back by then is lost. */
const probeTimeoutMs = 1_500

/** On a cluster the keys are spread over so many slots, each with a channel of this node. */
const clusterSlots = 64

type Argument = string | Buffer | number

/** A client with our scripts on it, which the types of ioredis cannot know. */
type Scripted = Record<`${ScriptName}Buffer`, (...args: Argument[]) => Promise<unknown>>

export interface LinkListener {
  /** A message on a channel this node listens to. */
  onMessage: (header: unknown[], body: Buffer) => void
  /** Redis answers and delivers again, or for the first time. */
  onUp: () => void
  onDown: () => void
}

/** Redis cannot be reached, or did not answer in time. */
export class RedisDown extends Error {
  override name = 'RedisDown'
}

/**
 * The two connections to Redis, one for commands and one to listen, and whether they work: a probe goes through the real
 * way of a frame, published on this node's own channel, and must come back. A command that cannot be sent fails at once;
 * nothing is queued.
 */
export class RedisLink {
  readonly log: Log
  readonly #isCluster: boolean
  readonly #commands: Redis | Cluster
  readonly #listening: Redis | Cluster
  #listener: LinkListener | undefined
  #isUp = false
  #isClosed = false
  #clock: NodeJS.Timeout | undefined
  #probe: { token: string, at: number } | undefined
  #channel: string | undefined
  /** ms that the last probe took, there and back. */
  roundTripMs = 0
  /** Times the link went up. */
  connects = 0

  constructor (urls: readonly string[], log: Log) {
    this.log = log
    this.#isCluster = urls.length > 1
    const publish = this.#isCluster ? 'SPUBLISH' : 'PUBLISH'
    const scripts = scriptsFor(publish)
    const options = {
      enableReadyCheck: true,
      maxRetriesPerRequest: 0,
      connectTimeout: commandTimeoutMs,
      commandTimeout: commandTimeoutMs,
      autoResubscribe: true
    }
    const connect = (enableAutoPipelining: boolean): Redis | Cluster => {
      if (this.#isCluster) {
        return new Cluster([...urls], {
          redisOptions: options,
          enableOfflineQueue: false,
          enableAutoPipelining: true,
          shardedSubscribers: true,
          slotsRefreshTimeout: commandTimeoutMs,
          clusterRetryStrategy: () => retryMs,
          scripts
        })
      }
      return new Redis(urls[0] as string, { ...options, enableAutoPipelining, enableOfflineQueue: false, retryStrategy: () => retryMs, scripts })
    }
    this.#commands = connect(true)
    this.#listening = this.#isCluster ? this.#commands : connect(false)
    for (const client of new Set([this.#commands, this.#listening])) {
      client.on('error', (error: Error) => this.log.debug({ err: error }, 'redis'))
      client.on('close', () => this.#down('connection lost'))
    }
    this.#listening.on(this.#isCluster ? 'smessageBuffer' : 'messageBuffer', (_channel: Buffer, message: Buffer) => this.#onMessage(message))
  }

  /** The connection for commands, for others who count in Redis too. */
  get client (): Redis | Cluster {
    return this.#commands
  }

  get isUp (): boolean {
    return this.#isUp
  }

  /** Begins to probe, on a channel of this node. Settles when Redis was reached, or not at the first try. */
  async start (channel: string, listener: LinkListener): Promise<void> {
    this.#listener = listener
    this.#channel = channel
    await this.#tick()
    const deadline = performance.now() + probeTimeoutMs
    while (!this.#isUp && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      await this.#tick()
    }
    this.#clock = setInterval(() => { this.#tick().catch((error: unknown) => this.log.error({ err: error }, 'probe')) }, probeEveryMs).unref()
  }

  /** The part of a key that decides its slot. */
  tagOf (room: string): string {
    return `{sb:${this.#isCluster ? slotOf(room) : 0}}`
  }

  /** All tags that `tagOf` gives. */
  get tags (): string[] {
    return Array.from({ length: this.#isCluster ? clusterSlots : 1 }, (_, slot) => `{sb:${slot}}`)
  }

  /** Runs a script. @throws RedisDown */
  async run (name: ScriptName, keys: string[], ...args: Argument[]): Promise<unknown> {
    if (!this.#isUp) throw new RedisDown()
    return await this.runAnyway(name, keys, ...args)
  }

  /** The same while the link is not up yet: what must be done to bring it up. @throws RedisDown */
  async runAnyway (name: ScriptName, keys: string[], ...args: Argument[]): Promise<unknown> {
    const scripted = this.#commands as unknown as Scripted
    return await this.#guard(scripted[`${name}Buffer`](...keys, ...args))
  }

  /** Runs one command. @throws RedisDown */
  async command (work: (client: Redis | Cluster) => Promise<unknown>): Promise<unknown> {
    return await this.#guard(work(this.#commands))
  }

  /** Listens to a channel; settles when nothing published from now on is missed. @throws RedisDown */
  async subscribe (channel: string): Promise<void> {
    await this.#guard(this.#isCluster ? this.#listening.ssubscribe(channel) : this.#listening.subscribe(channel))
  }

  async unsubscribe (channel: string): Promise<void> {
    await this.#guard(this.#isCluster ? this.#listening.sunsubscribe(channel) : this.#listening.unsubscribe(channel))
  }

  async close (): Promise<void> {
    this.#isClosed = true
    this.#isUp = false
    clearInterval(this.#clock)
    for (const client of new Set([this.#commands, this.#listening])) client.disconnect()
  }

  async #guard<T> (answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      // What Redis itself answers is a fault of ours, and not a reason to go without it.
      if (error instanceof Error && error.name === 'ReplyError' && !/^(LOADING|CLUSTERDOWN|READONLY|MASTERDOWN|TRYAGAIN)/.test(error.message)) throw error
      throw new RedisDown('Redis cannot be reached', { cause: error })
    }
  }

  async #tick (): Promise<void> {
    if (this.#isClosed || this.#channel === undefined) return
    if (this.#probe !== undefined) {
      if (performance.now() - this.#probe.at < probeTimeoutMs) return
      this.#probe = undefined
      this.#down('a probe was lost')
      // It may look alive and deliver nothing: begin anew.
      for (const client of new Set([this.#commands, this.#listening])) client.disconnect(true)
      return
    }
    const probe = { token: randomUUID(), at: performance.now() }
    this.#probe = probe
    try {
      const message = JSON.stringify(['probe', probe.token])
      const channel = this.#channel
      if (!this.#isUp) await this.subscribe(channel)
      await this.command(async (client) => this.#isCluster ? await client.spublish(channel, message) : await client.publish(channel, message))
    } catch {
      if (this.#probe === probe) this.#probe = undefined
      this.#down('a probe could not be sent')
    }
  }

  #onMessage (message: Buffer): void {
    const end = message.indexOf(10)
    const header = JSON.parse(message.toString('utf8', 0, end === -1 ? message.length : end)) as unknown[]
    if (header[0] === 'probe') return this.#onProbe(header[1])
    this.#listener?.onMessage(header, end === -1 ? Buffer.alloc(0) : message.subarray(end + 1))
  }

  #onProbe (token: unknown): void {
    if (this.#probe === undefined || this.#probe.token !== token) return
    this.roundTripMs = performance.now() - this.#probe.at
    this.#probe = undefined
    if (this.#isUp || this.#isClosed) return
    this.#isUp = true
    this.connects++
    this.log.info({ roundTripMs: this.roundTripMs }, 'redis is up')
    this.#listener?.onUp()
  }

  #down (reason: string): void {
    this.#probe = undefined
    if (!this.#isUp) return
    this.#isUp = false
    if (this.#isClosed) return
    this.log.warn({ reason }, 'redis is down')
    this.#listener?.onDown()
  }
}

/** FNV-1a: any spread will do, as long as all nodes have the same. */
function slotOf (room: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < room.length; at++) hash = Math.imul(hash ^ room.charCodeAt(at), 0x01000193) >>> 0
  return hash % clusterSlots
}
