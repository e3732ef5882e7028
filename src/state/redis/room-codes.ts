import { randomUUID } from 'node:crypto'
import type { Timers } from '../../timing/timers.js'
import type { Rooms } from '../contract.js'
import { CodeDraw, maxEmptyOf } from '../local/room-codes.js'
import { RedisDown, type RedisLink } from './link.js'
import { orIfDown, type RedisNode } from './node.js'
import type { LocalRoom, RoomLifetime } from './room.js'
import type { LeftEmpty } from './scripts/membership.js'
import { closeEmpty, noteEmpty as noteEmptyRoom, open } from './scripts/room-codes.js'

/** When to poll a room whose lifetime cannot be read. In ms. */
const pollAgainMs = 1_000

/** Rooms opened in Redis. The expiry of their key ends them. */
export function redisRooms (node: RedisNode, timers: Timers): Rooms {
  const draw = new CodeDraw(timers)
  return {
    async open ({ prefix, digits, idleMs, emptyMs, by = '' }) {
      const lifetime = { idleMs, emptyMs, own: randomUUID(), mostEmpty: maxEmptyOf(digits), by }
      try {
        if (!node.isUp) await node.comeBackSoon()
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

/** Groups codes by the slot of their room. One script call can try all codes of a slot; a single Redis has one slot. */
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

/** Polls the lifetime of a room with members on this node, and calls `expire` once it has expired. */
export async function watchLifetime (node: RedisNode, timers: Timers, room: LocalRoom, expire: () => void): Promise<void> {
  if (room.lifetime !== undefined) return
  const key = node.link.keys.of(room.name).opened
  const text = await node.link.command(async (client) => await client.get(key)) as string | null ?? ''
  const idleMs = Number(/^[1-9]\d*/.exec(text)?.[0] ?? pollAgainMs)
  const opened: RoomLifetime = { text, timer: undefined }
  room.lifetime = opened
  const rest = async (): Promise<number> => {
    // Until all rooms are restored, a missing key does not mean that the room has expired.
    if (!node.isReady || room.isPartial) throw new RedisDown()
    return Number(await node.link.command(async (client) => await client.pttl(key)))
  }
  const poll = (ms: number): void => {
    opened.timer = timers.schedule(ms, () => {
      rest().then((ms) => {
        if (room.lifetime !== opened || room.members.size === 0) return
        if (ms > 0) poll(ms)
        else expire()
      }, () => poll(idleMs))
    })
  }
  poll(idleMs)
}
