import { randomUUID } from 'node:crypto'
import type { Timers } from '../../timing/timers.js'
import type { Rooms } from '../contract.js'
import { RedisDown, type RedisLink } from './link.js'
import { type RedisNode, orIfDown } from './node.js'
import type { LocalRoom, RoomLifetime } from './room.js'
import type { LeftEmpty } from './scripts/membership.js'
import { closeEmpty, noteEmpty as noteEmptyRoom, open } from './scripts/room-codes.js'
import { CodeDraw, mostEmptyOf } from '../local/room-codes.js'

/** When to look at a room whose lifetime cannot be read. */
const lookAgainMs = 1_000

/** Rooms opened in Redis, where an expiry of their own ends them. */
export function redisRooms (node: RedisNode, timers: Timers): Rooms {
  const draw = new CodeDraw(timers)
  return {
    async open ({ prefix, digits, idleMs, emptyMs, by = '' }) {
      const lifetime = { idleMs, emptyMs, own: randomUUID(), mostEmpty: mostEmptyOf(digits), by }
      try {
        for (const drawn of draw.draws(prefix, digits)) {
          for (const codes of bySlot(node.link, prefix, drawn)) {
            const room = prefix + (codes[0] ?? '')
            const code = await open(node.run, node.link.keys.of(room), { room, prefix, codes, ...lifetime })
            if (code !== undefined) return code
          }
        }
        return undefined
      } catch (error) {
        return orIfDown(error, undefined)
      }
    }
  }
}

/** The codes whose rooms lie in one slot can be asked for at once: on one Redis all of them. */
function bySlot (link: RedisLink, prefix: string, codes: readonly string[]): string[][] {
  const slots = new Map<string, string[]>()
  for (const code of codes) {
    const tag = link.keys.tagOf(prefix + code)
    const theirs = slots.get(tag)
    if (theirs === undefined) slots.set(tag, [code])
    else theirs.push(code)
  }
  return [...slots.values()]
}

/** Notes a room that was left empty, and closes the rooms of its opener that are too many now. */
export async function noteEmpty (node: RedisNode, room: string, empty: LeftEmpty): Promise<void> {
  for (const { room: name, own } of await noteEmptyRoom(node.run, room, empty)) await closeEmpty(node.run, node.link.keys.of(name), own)
}

/** Calls `expire` once a room with members here has expired everywhere. */
export async function watchLifetime (node: RedisNode, timers: Timers, room: LocalRoom, expire: () => void): Promise<void> {
  if (room.lifetime !== undefined) return
  const key = node.link.keys.of(room.name).opened
  const text = await node.link.command(async (client) => await client.get(key)) as string | null ?? ''
  const idleMs = Number(/^[1-9]\d*/.exec(text)?.[0] ?? lookAgainMs)
  const opened: RoomLifetime = { text, timer: undefined }
  room.lifetime = opened
  const rest = async (): Promise<number> => {
    // Until everything has been brought back, what is missing has not expired.
    if (!node.isReady || room.isPartial) throw new RedisDown()
    return Number(await node.link.command(async (client) => await client.pttl(key)))
  }
  const look = (ms: number): void => {
    opened.timer = timers.schedule(ms, () => {
      rest().then((ms) => {
        if (room.lifetime !== opened || room.members.size === 0) return
        if (ms > 0) look(ms)
        else expire()
      }, () => look(idleMs))
    })
  }
  look(idleMs)
}
