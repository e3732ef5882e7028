import { randomInt, randomUUID } from 'node:crypto'
import type { Timers } from '../timers.js'
import type { Rooms } from './contract.js'
import { RedisDown } from './redis-link.js'
import { keysOf, type RedisNode, whenDown } from './redis-node.js'
import type { LocalRoom, Opened } from './redis-room.js'

/** Codes tried at once when nearly all are taken. */
const codesAtOnce = 100
const drawsOfCode = 20
/** When to look at a room whose lifetime cannot be read. */
const lookAgainMs = 1_000

/** Rooms opened in Redis, where an expiry of their own ends them. */
export function redisRooms (node: RedisNode): Rooms {
  return {
    async open ({ prefix, digits, idleMs, emptyMs }) {
      const lifetime = `${idleMs}\n${emptyMs}\n${randomUUID()}`
      const open = async (code: number) => {
        const { members, opened } = keysOf(node.link, prefix + code)
        return await node.run('open', [members, opened], lifetime, Math.min(idleMs, emptyMs)) === 1
      }
      try {
        const least = 10 ** (digits - 1)
        const beyond = 10 ** digits
        for (let draw = 0; draw < drawsOfCode; draw++) {
          const code = randomInt(least, beyond)
          if (await open(code)) return String(code)
        }
        const start = randomInt(least, beyond)
        for (let step = 0; step < beyond - least; step += codesAtOnce) {
          const codes = Array.from({ length: Math.min(codesAtOnce, beyond - least - step) }, (_, at) => least + (start - least + step + at) % (beyond - least))
          for (const code of codes) if (await open(code)) return String(code)
        }
        return undefined
      } catch (error) {
        return whenDown(error, undefined)
      }
    }
  }
}

/** Calls `expire` once a room with members here has expired everywhere. */
export async function watchLifetime (node: RedisNode, timers: Timers, room: LocalRoom, expire: () => void): Promise<void> {
  if (room.opened !== undefined) return
  const key = keysOf(node.link, room.name).opened
  const text = await node.link.command(async (client) => await client.get(key)) as string | null ?? ''
  const idleMs = Number(/^[1-9]\d*/.exec(text)?.[0] ?? lookAgainMs)
  const opened: Opened = { text, timer: undefined }
  room.opened = opened
  const rest = async (): Promise<number> => {
    // Until everything has been brought back, what is missing has not expired.
    if (!node.isReady || room.isPartial) throw new RedisDown()
    return Number(await node.link.command(async (client) => await client.pttl(key)))
  }
  const look = (ms: number): void => {
    opened.timer = timers.schedule(ms, () => {
      rest().then((ms) => {
        if (room.opened !== opened || room.members.size === 0) return
        if (ms > 0) look(ms)
        else expire()
      }, () => look(idleMs))
    })
  }
  look(idleMs)
}
