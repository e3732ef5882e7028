import type { Timer, Timers } from '../../timing/timers.js'
import { inBatches } from './in-batches.js'
import type { InboxParts } from './inbox.js'
import { RedisRefused } from './link.js'
import type { KeptMail } from './mail.js'
import { restoreRequestOf } from './messages.js'
import type { RedisNode } from './node.js'
import type { Registrations } from './registrations.js'
import type { RedisRelay } from './relay.js'
import type { LocalRoom } from './room.js'
import type { LocalRooms } from './rooms.js'

/** Restores in Redis what this node holds, after an outage or a lost lease. */
export class Recovery {
  readonly #process: string
  readonly #node: RedisNode
  readonly #rooms: LocalRooms
  readonly #kept: KeptMail
  readonly #registrations: Registrations
  readonly #relay: RedisRelay
  readonly #timers: Timers
  #check: Timer | undefined

  constructor ({ process, node, rooms, kept, registrations, relay, timers }: Omit<InboxParts, 'holders' | 'questions'>) {
    this.#process = process
    this.#node = node
    this.#rooms = rooms
    this.#kept = kept
    this.#registrations = registrations
    this.#relay = relay
    this.#timers = timers
  }

  async restoreAll (isEmptied: boolean): Promise<boolean> {
    const rooms = this.#rooms.all
    // Wait for joins under the former name: they have succeeded or failed then.
    await Promise.all(rooms.flatMap(({ pending }) => [...pending.values()].map(async ({ done }) => await done)))
    const isWhole = await this.#restoreRooms(this.#rooms.all)
    if (isEmptied) for (const mail of this.#kept.lose()) await this.#relay.tellExpired(mail)
    else await this.#tellUntold()
    this.#timers.cancel(this.#check)
    this.#check = this.#timers.schedule(this.#node.graceMs, () => {
      for (const room of rooms) this.#rooms.check(room)
    })
    return isWhole
  }

  /** Tells senders here of graces that ended while this node did not listen. The senders are restored by now, so later ends reach it. */
  async #tellUntold (): Promise<void> {
    const { link } = this.#node
    await inBatches(this.#kept.all, async ([name, { room, from, to }]) => {
      if (await link.command(async (client) => await client.del(link.keys.of(room).untold(name))) !== 1) return
      this.#kept.forget(name)
      this.#relay.onLost(room, from, to, 'expired')
    })
  }

  /** Restores rooms that Redis refused before. Other nodes are asked to restore theirs, since the same key held their members, too. */
  async restoreRefused (): Promise<boolean> {
    const all = this.#rooms.all
    const refused = all.filter(({ isPartial }) => isPartial)
    const isWhole = await this.#restoreRooms(all.filter(({ isPartial, isLost }) => isPartial || isLost))
    for (const room of refused) {
      if (room.isPartial) continue
      const { channel } = this.#node.link.keys.of(room.name)
      await this.#node.link.publish(channel, restoreRequestOf({ room: room.name, process: this.#process }))
    }
    return isWhole
  }

  /** False when Redis refused a room: its peers on this node reach each other, but other nodes do not see them. */
  async #restoreRooms (rooms: readonly LocalRoom[]): Promise<boolean> {
    let isWhole = true
    const attempt = async (room: LocalRoom, work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        if (!(error instanceof RedisRefused)) throw error
        room.isPartial = true
        isWhole = false
      }
    }
    for (const room of rooms) room.isPartial = room.isLost = false
    await inBatches(rooms, async (room) => await attempt(room, async () => await this.#rooms.listenAgain(room)))
    const members = rooms.filter(({ isPartial }) => !isPartial)
      .flatMap((room) => [...room.members.values()].map((member) => ({ room, member })))
    await inBatches(members, async ({ room, member }) => await attempt(room, async () => await this.#registrations.restore(room, member)))
    return isWhole
  }
}
