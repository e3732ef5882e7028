import type { RoomKeys } from '../keys.js'
import type { LeftEmpty } from './membership.js'
import { type Run, script } from './script.js'

/**
 * Opens a room under the first of some codes that is free.
 *
 * KEYS members and opened of one of the rooms
 * ARGV lifetime as 'idleMs LF emptyMs LF name of its own LF most empty rooms of its opener LF its opener',
 *      ms until it goes if nobody joins, members and opened of a room without its code, codes...
 * Answers the code, or nothing when all are in use
 */
export const openScript = script('open', 2, `
  for i = 5, #ARGV - 1 do
    if redis.call('EXISTS', ARGV[3] .. ARGV[i], ARGV[4] .. ARGV[i]) == 0 then
      redis.call('SET', ARGV[4] .. ARGV[i], ARGV[1], 'PX', ARGV[2])
      return ARGV[i]
    end
  end
  return false
`)

export interface OpenArguments {
  readonly room: string
  readonly prefix: string
  /** Codes whose rooms are all in the slot of `room`, the room of the first of them. */
  readonly codes: readonly string[]
  readonly idleMs: number
  readonly emptyMs: number
  /** Names this opening of the room. */
  readonly own: string
  readonly mostEmpty: number
  /** The opener. */
  readonly by: string
}

/** The code, or undefined when all are in use. @throws RedisDown */
export async function open (run: Run, keys: RoomKeys, step: OpenArguments): Promise<string | undefined> {
  const { room, prefix, codes, idleMs, emptyMs, own, mostEmpty, by } = step
  const lifetime = [idleMs, emptyMs, own, mostEmpty, by].join('\n')
  const openedPrefix = keys.opened.slice(0, -room.length)
  const code = await run(openScript, [keys.members, keys.opened],
    lifetime, Math.min(idleMs, emptyMs), keys.membersPrefix + prefix, openedPrefix + prefix, ...codes)
  return code === null ? undefined : String(code)
}

/**
 * Records for its opener that a room was left empty.
 *
 * KEYS empty rooms
 * ARGV 'room LF its own name', ms that it stays, most empty rooms of its opener
 * Answers the rooms that are too many now, as 'room LF its own name'
 */
export const noteEmptyScript = script('noteEmpty', 1, `
  -- In microseconds, and as text, which keeps all digits: several may be left in one ms.
  local micros = time[1] * 1000000 + time[2]
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', micros - ARGV[2] * 1000))
  redis.call('ZADD', KEYS[1], string.format('%.0f', micros), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  local tooMany = {}
  while redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) do tooMany[#tooMany + 1] = redis.call('ZPOPMIN', KEYS[1])[1] end
  return tooMany
`)

/** The rooms that are too many now, the longest empty first. @throws RedisDown */
export async function noteEmpty (run: Run, room: string, empty: LeftEmpty): Promise<Array<{ room: string, own: string }>> {
  const { by, own, emptyMs, mostEmpty } = empty
  const tooMany = await run(noteEmptyScript, [`{sb:0}:empty:${by}`], `${room}\n${own}`, emptyMs, mostEmpty) as Buffer[]
  return tooMany.map((text) => {
    const [room = '', own = ''] = String(text).split('\n')
    return { room, own }
  })
}

/**
 * Closes an opened room that is empty, if it is still the same.
 *
 * KEYS members, opened
 * ARGV its own name
 */
export const closeEmptyScript = script('closeEmpty', 2, `
  local opened = redis.call('GET', KEYS[2])
  if not opened or redis.call('EXISTS', KEYS[1]) == 1 then return end
  local _, _, own = lifetimeOf(opened)
  if own == ARGV[1] then redis.call('DEL', KEYS[2]) end
`)

/** @throws RedisDown */
export async function closeEmpty (run: Run, keys: RoomKeys, own: string): Promise<void> {
  await run(closeEmptyScript, [keys.members, keys.opened], own)
}
