import { randomUUID } from 'node:crypto'
import type { Timers } from '../../timing/timers.js'
import type { Rooms } from '../contract.js'
import { CodeDraw, maxEmptyOf } from '../local/room-codes.js'
import { RedisDown, type RedisLink } from './link.js'
import { orIfDown, type RedisNode } from './node.js'
import type { LocalRoom, RoomLifetime } from './room.js'

/** When to poll a room whose lifetime cannot be read. In ms. */
const pollAgainMs = 1_000

/** Rooms opened in Redis. The expiry of their key ends them. */
export function redisRooms (node: RedisNode, timers: Timers): Rooms {
  const codes = new CodeDraw(timers)
  return {
    async open ({ prefix, digits, idleMs, emptyMs, by = '' }) {
      const lifetime = [idleMs, emptyMs, randomUUID(), maxEmptyOf(digits), by].join('\n')
      try {
        for (const draw of codes.draws(prefix, digits)) {
          for (const theirs of bySlot(node.link, prefix, draw)) {
            const room = prefix + (theirs[0] as string)
            const { members, membersPrefix, opened } = node.link.keys.of(room)
            const openedPrefix = opened.slice(0, -room.length)
            const code = await node.run('open', [members, opened], lifetime, Math.min(idleMs, emptyMs), membersPrefix + prefix, openedPrefix + prefix, ...theirs) as Buffer | null
            if (code !== null) return String(code)
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

/** The answer of `leave` for a room left empty: its opener, its unique name, how long it stays, how many empty rooms the opener may have. */
export type LeftEmpty = readonly [by: Buffer, own: Buffer, emptyMs: Buffer, mostEmpty: Buffer]

/** Records a room that was left empty, and closes the empty rooms beyond the opener's limit. */
export async function noteEmpty (node: RedisNode, room: string, [by, own, emptyMs, most]: LeftEmpty): Promise<void> {
  const tooMany = await node.run('noteEmpty', [`{sb:0}:empty:${String(by)}`], `${room}\n${String(own)}`, emptyMs, most) as Buffer[]
  for (const empty of tooMany) {
    const [name = '', own = ''] = String(empty).split('\n')
    const { members, opened } = node.link.keys.of(name)
    await node.run('closeEmpty', [members, opened], own)
  }
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
