import { randomUUID } from 'node:crypto'
import { setImmediate as afterReading } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { type RedisServers, redisServers } from '../../config/redis-urls.js'
import type { Log } from '../../telemetry/log.js'
import { type ClientOptions, commandTimeoutMs, connectTo, connectToListen, readAuthorities } from './client.js'
import { Keys } from './keys.js'
import { Listening } from './listening.js'
import { type NodeMessage, type Probe, probeOf, readMessages } from './messages.js'
import { adviceOn, hiding, isLate, isReply, isVerdict, isWrongServer, reasonOf } from './reasons.js'
import { probeScript } from './scripts/leases.js'
import type { Argument, Script } from './scripts/script.js'

const probeEveryMs = 500
/** A probe that is not back by then is lost. */
const probeTimeoutMs = 1_500
/** Characters that are told of an error. */
const maxReason = 256
const maxRefusal = 128

/** What can be told of an outage when nobody says why: it follows from any other reason. */
const lost = {
  connection: 'connection lost',
  client: 'Connection is closed.',
  cluster: 'None of startup nodes is available',
  notYet: 'Stream isn\'t writeable and enableOfflineQueue options is false',
  answer: 'no answer in time',
  probe: 'a probe was lost',
  sending: 'a probe could not be sent'
}
const vague = new Set(Object.values(lost))

/** A client with our scripts on it, which the types of ioredis cannot know. */
type Scripted = Record<`${string}Buffer`, ((...args: Argument[]) => Promise<unknown>) | undefined>

export interface LinkListener {
  /** A message on a channel this node listens to. */
  onMessage: (message: Exclude<NodeMessage, Probe>) => void
  /** Redis answers and delivers again, or for the first time. Nothing is listened to yet. */
  onUp: () => void
  onDown: () => void
}

/** Redis did not do what it was asked: it cannot be reached, or did not answer in time, or see below. What needs it goes on without. */
export class RedisDown extends Error {
  override name: string = 'RedisDown'
}

/** Redis is well, and answered with an error that may be about one key only. */
export class RedisRefused extends RedisDown {
  override name = 'RedisRefused'
  /** WRONGTYPE, ERR, … */
  readonly code: string

  constructor (cause: Error) {
    super('Redis answered with an error', { cause })
    this.code = cause.message.split(' ', 1)[0] ?? ''
  }
}

/**
 * The two connections to Redis, one for commands and one to listen, and whether they work: a probe goes through the real
 * way of a frame, published on this node's own channels, and must come back. A command that cannot be sent fails at once;
 * nothing is queued. One that gets no answer takes the link down, until a probe comes back. What came while this process stood
 * still is read before anything is given up. It keeps real time, whatever clock the process has, as its sockets do.
 */
export class RedisLink {
  readonly log: Log
  readonly keys: Keys
  readonly #servers: RedisServers
  readonly #authorities: string | undefined
  readonly #isCluster: boolean
  readonly #hide: (text: string) => string
  readonly #commands: Redis | Cluster
  /** Serves from one outage to the next. */
  #listening: Listening | undefined
  /** Settles when the last one has ended. */
  #ended: Promise<void> | undefined
  #listener: LinkListener | undefined
  #isUp = false
  #isClosed = false
  #isGathering = false
  #probing: NodeJS.Timeout | undefined
  #probe: { readonly token: string, at: number, readonly missing: Set<string> } | undefined
  #channels: string[] = []
  /** The advices of this outage. */
  readonly #complaints = new Set<string>()
  /** ms that the last probe took, there and back. */
  roundTripMs = 0
  /** Times the link went up. */
  connects = 0
  /** Messages, or parts of them, that were not understood, or whose handling failed; and how it failed last. */
  skipped = 0
  failure: unknown
  /** Commands that were answered with an error, and the last one. */
  refused = 0
  refusal = ''

  /**
   * @param authority `REDIS_CA`
   * @throws ConfigError for URLs that no Redis can have, and for what is no certificate
   */
  constructor (urls: readonly string[], log: Log, authority?: string) {
    this.log = log
    this.#servers = redisServers(urls)
    this.#authorities = authority === undefined ? undefined : readAuthorities(authority)
    this.#isCluster = this.#servers.kind === 'cluster'
    this.#hide = hiding(this.#servers.secrets)
    this.#commands = connectTo(this.#servers, this.#connecting)
    this.keys = new Keys(this.#servers.db, this.#isCluster)
    this.#commands.on('close', () => this.#down(lost.connection))
  }

  /** The connection for commands, for others who count in Redis too. */
  get client (): Redis | Cluster {
    return this.#commands
  }

  get isUp (): boolean {
    return this.#isUp
  }

  /** Begins to probe, on channels of this node. Settles when Redis was reached, or not at once. */
  async start (node: string, listener: LinkListener): Promise<void> {
    this.#listener = listener
    this.#channels = this.keys.tags.map((tag) => `${tag}:probe:${node}`)
    await this.#tick()
    const deadline = performance.now() + probeTimeoutMs
    while (!this.#isUp && !this.#isClosed && this.#complaints.size === 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      await this.#tick()
    }
    if (!this.#isUp && this.#complaints.size === 0) this.#complain(lost.answer)
    if (this.#isClosed) return
    const probe = (): void => { this.#tick().catch((error: unknown) => this.log.error({ err: error }, 'probe')) }
    this.#probing = setInterval(probe, probeEveryMs).unref()
  }

  /** Runs a script. @throws RedisDown */
  async run ({ name }: Script, keys: string[], ...args: Argument[]): Promise<unknown> {
    if (!this.#isUp) throw new RedisDown()
    return await this.#run(name, keys, args)
  }

  async #run (name: string, keys: string[], args: Argument[]): Promise<unknown> {
    const scripted = this.#commands as unknown as Scripted
    const command = scripted[`${name}Buffer`]
    if (command === undefined) throw new Error(`the script ${name} is missing in scripts/index.ts`)
    this.#gather()
    return await this.#guard(async () => await command.call(scripted, ...keys, ...args))
  }

  /** Runs one command. @throws RedisDown */
  async command (work: (client: Redis | Cluster) => Promise<unknown>): Promise<unknown> {
    return await this.#guard(async () => await work(this.#commands))
  }

  /** Says why Redis did not do what it was asked, as of what takes the link down. */
  tell (error: unknown): void {
    const { cause } = error as RedisDown
    if (isReply(cause)) this.#complain(reasonOf(cause))
  }

  /** Answers how many listen there. @throws RedisDown */
  async publish (channel: string, message: string): Promise<number> {
    return Number(await this.command(async (client) => await client[this.#isCluster ? 'spublish' : 'publish'](channel, message)))
  }

  /** Listens to a channel; settles when nothing published from now on is missed, until the link goes down. @throws RedisDown */
  async subscribe (channel: string): Promise<void> {
    const listening = this.#listening
    if (listening === undefined) throw new RedisDown()
    await this.#guard(async () => await listening.subscribe(channel))
  }

  async unsubscribe (channel: string): Promise<void> {
    const listening = this.#listening
    if (listening === undefined) return
    await this.#guard(async () => await listening.unsubscribe(channel))
  }

  /** What other nodes had sent here is still heard, and can be answered. */
  async close (): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#probing)
    await this.#listening?.end()
    await afterReading()
    this.#isUp = false
    this.#commands.disconnect()
  }

  get #connecting (): ClientOptions {
    return {
      authorities: this.#authorities,
      onError: (reason) => { if (!this.#isUp) this.#complain(reason) }
    }
  }

  /** New connections to listen, with the node's probe channels on them. */
  async #listen (): Promise<void> {
    // On both at once a broadcast would be heard twice.
    await this.#ended
    const listening = new Listening({
      commands: this.#commands,
      connect: (master) => connectToListen(this.#servers, this.#connecting, master),
      onMessage: (message) => this.#onMessage(message),
      onLost: () => { if (this.#listening === listening) this.#down(lost.connection) },
      onMoved: () => {
        if (this.#commands instanceof Cluster) this.#commands.refreshSlotsCache()
        if (this.#listening === listening) this.#down('the cluster has changed')
      }
    })
    this.#listening = listening
    await Promise.all(this.#channels.map(async (channel) => await this.subscribe(channel)))
  }

  /**
   * What is sent in one turn of the event loop is written at once. The pipelines of ioredis do that too, with which a cluster
   * makes do, and cost some 11 µs a command more.
   */
  #gather (): void {
    if (this.#isGathering || !(this.#commands instanceof Redis)) return
    const { stream } = this.#commands
    this.#isGathering = true
    stream.cork()
    setImmediate(() => {
      this.#isGathering = false
      stream.uncork()
    })
  }

  async #guard<T> (ask: () => Promise<T>): Promise<T> {
    let timeout: NodeJS.Timeout | undefined
    try {
      return await new Promise<T>((resolve, reject) => {
        const giveUp = async () => {
          await afterReading()
          reject(new Error(lost.answer))
        }
        timeout = setTimeout(giveUp, commandTimeoutMs).unref()
        ask().then(resolve, reject)
      })
    } catch (error) {
      if (isReply(error)) {
        if (isLate(error.message)) throw error
        this.#refuse(error)
        // Anything else is about Redis, or this part of a cluster, and not about the key.
        if (isVerdict(error.message)) throw new RedisRefused(error)
        throw new RedisDown('Redis cannot do it now', { cause: error })
      }
      this.#down(reasonOf(error))
      throw new RedisDown('Redis cannot be reached', { cause: error })
    } finally {
      clearTimeout(timeout)
    }
  }

  #refuse (error: Error): void {
    const { message } = error
    // The client follows a slot by itself only if all that it had sent at once has moved.
    if (this.#commands instanceof Cluster && /^(MOVED|ASK) /.test(message)) return this.#commands.refreshSlotsCache()
    const reason = reasonOf(error)
    this.refused++
    this.refusal = this.#hide(reason).slice(0, maxRefusal)
    if (isWrongServer(message)) this.#begin(reason)
    else if (!isVerdict(message)) this.#complain(reason)
  }

  async #tick (): Promise<void> {
    if (this.#isClosed) return
    const earlier = this.#probe
    if (earlier !== undefined) {
      if (performance.now() - earlier.at < probeTimeoutMs) return
      await afterReading()
      if (this.#probe === earlier) this.#begin(lost.probe)
      return
    }
    const { status } = this.#commands
    if (status === 'end') this.#commands.connect().catch(() => {})
    if (status !== 'ready') return
    const probe = { token: randomUUID(), at: performance.now(), missing: new Set(this.#channels) }
    this.#probe = probe
    try {
      if (this.#listening === undefined) await this.#listen()
      probe.at = performance.now()
      await Promise.all(this.#channels.map(async (channel) => {
        await this.#run(probeScript.name, [channel], [probeOf({ token: probe.token, channel })])
      }))
    } catch (error) {
      // A later one is on its way.
      if (this.#probe !== undefined && this.#probe !== probe) return
      const { cause } = error as RedisDown
      if (isReply(cause)) this.#down(reasonOf(cause))
      else this.#begin(lost.sending)
    }
  }

  /** What looks alive and does not answer or deliver, or is another server by now: resolve the address and connect anew. */
  #begin (reason: string): void {
    if (this.#isClosed) return
    this.#down(reason)
    if (this.#commands.status === 'ready') this.#commands.disconnect(true)
  }

  /** Nothing that comes may end the process: it is thrown in an event of the client, where nobody would catch it. */
  #onMessage (bytes: Buffer): void {
    readMessages(bytes, (message) => {
      try {
        if (message.kind === 'probe') this.#onProbe(message)
        else this.#listener?.onMessage(message)
      } catch (error) {
        this.skipped++
        this.failure = error
      }
    }, () => { this.skipped++ })
  }

  #onProbe ({ token, channel }: Probe): void {
    if (this.#isClosed || this.#probe === undefined || this.#probe.token !== token) return
    this.#probe.missing.delete(channel)
    if (this.#probe.missing.size > 0) return
    this.roundTripMs = performance.now() - this.#probe.at
    this.#probe = undefined
    if (this.#isUp) return
    this.#isUp = true
    this.connects++
    this.#complaints.clear()
    this.log.info({ roundTripMs: this.roundTripMs }, 'redis is up')
    this.#listener?.onUp()
  }

  #down (reason: string): void {
    if (this.#isClosed) return
    const wasUp = this.#isUp
    this.#isUp = false
    this.#complain(reason)
    this.#probe = undefined
    if (this.#listening !== undefined) this.#ended = this.#listening.end()
    this.#listening = undefined
    if (wasUp) this.#listener?.onDown()
  }

  /** Says what is wrong and what to do, each advice once until the link is up again. */
  #complain (why: string): void {
    const reason = this.#hide(why).slice(0, maxReason)
    const advice = adviceOn(reason)
    const isVague = vague.has(reason)
    if (this.#isClosed || this.#complaints.has(advice) || (isVague && this.#complaints.size > 0)) return
    this.#complaints.add(isVague ? '' : advice)
    this.log.warn({ reason, advice }, 'redis is down')
  }
}
