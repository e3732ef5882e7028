import type { MaybePromise } from '../../timing/maybe-promise.js'
import type { Timers } from '../../timing/timers.js'
import type { Member, Peer, Watcher } from '../contract.js'
import { Watchers } from '../local/exchange.js'
import { Sampling } from '../local/sampling.js'
import { RoomNews } from '../local/room-news.js'
import { RoomSessions } from '../local/sessions.js'
import { inBatches } from './in-batches.js'
import { OneAtATime } from './one-at-a-time.js'
import { RedisDown, RedisRefused } from './link.js'
import { inPlaces, type RoomEvent, type SeenEvent, type Stored } from './messages.js'
import { nodesKey, roomsKey } from './keys.js'
import { orIfDown, type RedisNode } from './node.js'
import { LocalRoom } from './room.js'
import { sample, snapshot, tellSeen } from './scripts/membership.js'

/** A peer is told of again when it was heard of so much later: the two clocks in `seenAt` differ by a little each time. In ms. */
const seenStepMs = 25
/** Members of a room that one step tells of. */
const seenAtOnce = 200

/** The rooms that this node has members in: which they are, and that it hears of what happens there. */
export class LocalRooms {
  readonly #node: RedisNode
  readonly #timers: Timers
  readonly #rooms = new Map<string, LocalRoom>()
  readonly #watchers = new Watchers()
  readonly #lists = new OneAtATime(async (name: string) => {
    const { all, busyMs } = await this.snapshot(name)
    return { answer: all, busyMs }
  })

  #isTelling = false

  constructor (node: RedisNode, timers: Timers) {
    this.#node = node
    this.#timers = timers
  }

  get all (): LocalRoom[] {
    return [...this.#rooms.values()]
  }

  get (name: string): LocalRoom | undefined {
    return this.#rooms.get(name)
  }

  watch (dialect: string, watcher: Watcher): void {
    this.#watchers.add(dialect, watcher)
  }

  watcherOf (room: string): Watcher | undefined {
    return this.#watchers.of(room)
  }

  /** The room, which exists from now on. */
  here (name: string): LocalRoom {
    const existing = this.#rooms.get(name)
    if (existing !== undefined) return existing
    const watcher = this.watcherOf(name)
    const room = new LocalRoom(name, watcher, new RoomSessions(this.#timers), new RoomNews(name, () => watcher, this.#timers))
    this.#rooms.set(name, room)
    return room
  }

  /** The room, listened to and kept until `entering` goes down again. @throws RedisDown */
  async enter (name: string): Promise<LocalRoom> {
    const room = this.here(name)
    room.entering++
    try {
      await (room.listening ??= this.#listen(room, false))
      return room
    } catch (error) {
      room.listening = undefined
      room.entering--
      this.release(room)
      throw error
    }
  }

  /** Forgets a room without members here. */
  release (room: LocalRoom): void {
    if (room.members.size > 0 || room.entering > 0 || this.#rooms.get(room.name) !== room) return
    this.#rooms.delete(room.name)
    this.#timers.cancel(room.lifetime?.timer)
    // A link that is down has forgotten the channel, and a node without its lease gets a new name.
    if (!this.#node.link.isUp) return
    Promise.all([
      this.#node.link.unsubscribe(this.#node.link.keys.of(room.name).channel),
      this.#node.link.command(async (client) => await client.srem(roomsKey(this.#node.name), room.name))
    ]).catch((error: unknown) => { if (!(error instanceof RedisDown)) this.#node.mend(error) })
  }

  /** Nothing is listened to any more. */
  onDown (): void {
    for (const room of this.#rooms.values()) room.listening = undefined
  }

  /** Listens to a room again. Those who are missing now may yet be brought back by their nodes. @throws RedisDown */
  async listenAgain (room: LocalRoom): Promise<void> {
    await (room.listening = this.#listen(room, true))
  }

  /** Compares a replica with what Redis holds. */
  check (room: LocalRoom): void {
    if (this.#rooms.get(room.name) !== room || !this.#node.isUp || room.isChecking) return
    room.isChecking = true
    this.#listen(room, false)
      .catch((error: unknown) => {
        this.refused(room.name, error)
        this.#node.mend(error)
      })
      .finally(() => { room.isChecking = false })
  }

  /** What failed in a room is tried again, if Redis has refused it. */
  refused (name: string, error: unknown): void {
    const room = this.#rooms.get(name)
    if (room !== undefined && error instanceof RedisRefused) room.isPartial = true
  }

  onEvent (event: RoomEvent): void {
    const room = this.#rooms.get(event.room)
    if (room?.apply(event) === false) this.check(room)
  }

  onSeen ({ room: name, peers }: SeenEvent): void {
    const room = this.#rooms.get(name)
    for (const { id, registrationId, seenAt } of peers) room?.see(id, registrationId, seenAt)
  }

  /** Tells the others when the peers here were last heard of, where that is shown to anybody. */
  async tellSeen (): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      await inBatches(this.all.filter(({ watcher }) => watcher?.showsSeen === true), async (room) => {
        try {
          await this.#tellSeenIn(room)
        } catch (error) {
          this.refused(room.name, error)
          orIfDown(error, undefined)
        }
      })
    } finally {
      this.#isTelling = false
    }
  }

  async #tellSeenIn (room: LocalRoom): Promise<void> {
    const news = [...room.members.values()].filter((member) => member.seenAt - member.reportedAt > seenStepMs)
    const keys = this.#node.link.keys.of(room.name)
    for (let at = 0; at < news.length; at += seenAtOnce) {
      const seen = news.slice(at, at + seenAtOnce).map((member) => {
        const { id, registrationId, seenAt } = member
        member.reportedAt = seenAt
        return { id, registrationId, seenAt }
      })
      await tellSeen(this.#node.run, keys, room.name, seen)
    }
  }

  /** All members of a room, in the order of their places, and the number of its last event. @throws RedisDown */
  async snapshot (name: string): Promise<{ sequence: number, all: Stored[], busyMs: number }> {
    return await snapshot(this.#node.run, this.#node.link.keys.of(name))
  }

  /** The members as far as they are known: by the replica, else by Redis, else those here. */
  async list (name: string): Promise<readonly Peer[]> {
    const room = this.#replicaOf(name)
    if (room !== undefined) return inPlaces(room.replica.values())
    const here = this.#rooms.get(name)
    try {
      return (await this.#lists.ask(name)).map((stored) => here?.members.get(stored.id) ?? stored)
    } catch (error) {
      return orIfDown(error, [...here?.members.values() ?? []])
    }
  }

  /** How many they are. */
  count (name: string): MaybePromise<number> {
    const room = this.#replicaOf(name)
    if (room !== undefined) return room.replica.size
    const here = this.#rooms.get(name)?.members.size ?? 0
    if (!this.#node.isUp) return here
    return this.#node.link.command(async (client) => await client.hlen(this.#node.link.keys.of(name).members))
      .then(Number, (error: unknown) => orIfDown(error, here))
  }

  /** Some of them, at random. */
  async sample (name: string, count: number, except?: string): Promise<readonly Peer[]> {
    try {
      const drawn = await sample(this.#node.run, this.#node.link.keys.of(name), count, except)
      const here = this.#rooms.get(name)?.members
      return drawn.map((stored) => here?.get(stored.id) ?? stored)
    } catch (error) {
      this.refused(name, error)
      return orIfDown(error, new Sampling(this.#rooms.get(name)?.members.values() ?? []).draw(count, except))
    }
  }

  /** The members on this node, in the order of their places. Their answers may have come in another order. */
  membersHere (name: string): Member[] {
    return inPlaces(this.#rooms.get(name)?.members.values() ?? [])
  }

  #replicaOf (name: string): LocalRoom | undefined {
    const room = this.#rooms.get(name)
    return room?.watcher !== undefined && room.isComplete && room.members.size > 0 ? room : undefined
  }

  /** Names of the rooms that have members, and begin so. */
  async names (prefix: string): Promise<string[]> {
    const names = new Set(this.all.filter(({ name, members }) => members.size > 0 && name.startsWith(prefix)).map(({ name }) => name))
    if (!this.#node.isUp) return [...names]
    try {
      const nodes = await this.#node.link.command(async (client) => await client.zrange(nodesKey, '0', '-1')) as string[]
      for (const node of nodes) {
        const rooms = await this.#node.link.command(async (client) => await client.smembers(roomsKey(node))) as string[]
        for (const name of rooms) if (name.startsWith(prefix)) names.add(name)
      }
    } catch (error) {
      orIfDown(error, undefined)
    }
    return [...names]
  }

  /** One at a time: a snapshot older than the events that were taken in since would undo them. */
  #listen (room: LocalRoom, keepMissing: boolean): Promise<void> {
    const listening = room.lastSnapshot.then(async () => {
      if (this.#rooms.get(room.name) === room) await this.#synchronise(room, keepMissing)
    })
    room.lastSnapshot = listening.catch(() => {})
    return listening
  }

  /** Listen first, then take the snapshot: nothing falls between. */
  async #synchronise (room: LocalRoom, keepMissing: boolean): Promise<void> {
    if (!this.#node.isUp) throw new RedisDown()
    room.expectSnapshot()
    try {
      await Promise.all([
        this.#node.link.subscribe(this.#node.link.keys.of(room.name).channel),
        this.#node.link.command(async (client) => await client.sadd(roomsKey(this.#node.name), room.name))
      ])
      const { sequence, all } = room.watcher === undefined ? { sequence: 0, all: [] } : await this.snapshot(room.name)
      room.applySnapshot(sequence, all, keepMissing)
    } catch (error) {
      room.missSnapshot()
      throw error
    }
  }
}
