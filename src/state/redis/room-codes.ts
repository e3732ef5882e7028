import { randomUUID } from 'node:crypto'
import type { Timers } from '../../timing/timers.js'
import type { Rooms } from '../contract.js'
import { RedisDown, type RedisLink } from './link.js'
import { type RedisNode, orIfDown } from './node.js'
import type { LocalRoom, RoomLifetime } from './room.js'
import { CodeDraw, maxEmptyOf } from '../local/room-codes.js'

/** When to look at a room whose lifetime cannot be read. */
const lookAgainMs = 1_000

/** Rooms opened in Redis, where an expiry of their own ends them. */
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

/** What `leave` answers of a room that it left empty: who opened it, its own name, for how long it stays, and how many of such may. */
export type LeftEmpty = readonly [by: Buffer, own: Buffer, emptyMs: Buffer, mostEmpty: Buffer]

/** Notes a room that was left empty, and closes those that are too many by now. */
export async function noteEmpty (node: RedisNode, room: string, [by, own, emptyMs, most]: LeftEmpty): Promise<void> {
  const tooMany = await node.run('noteEmpty', [`{sb:0}:empty:${String(by)}`], `${room}\n${String(own)}`, emptyMs, most) as Buffer[]
  for (const empty of tooMany) {
    const [name = '', own = ''] = String(empty).split('\n')
    const { members, opened } = node.link.keys.of(name)
    await node.run('closeEmpty', [members, opened], own)
  }
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
