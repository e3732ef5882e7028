import type { RoomKeys } from '../keys.js'
import { type Run, script } from './script.js'

/**
 * Keeps the place of a registration whose connection has ended, if it has a grace. Its node hears of that behind everything that was sent
 * to it before.
 *
 * KEYS members
 * ARGV id, registrationId, room name, node channel prefix
 * Answers kept, or away when it was so already, or ended when the place is not kept, or another registration's
 */
export const goAwayScript = script('goAway', 1, `
  local held = redis.call('HGET', KEYS[1], ARGV[1])
  local member = held and split(held)
  if not member or member.registrationId ~= ARGV[2] or member.graceMs == 0 then return 'ended' end
  if member.node == '' then return 'away' end
  local node = member.node
  goAway(KEYS[1], ARGV[1], member)
  redis.call('PUBLISH', ARGV[4] .. node, cjson.encode({ 'away', ARGV[3], ARGV[1], ARGV[2] }))
  return 'kept'
`)

export interface GoAwayArguments {
  readonly room: string
  readonly id: string
  readonly registrationId: string
}

/** `kept`: its node is told. `away`: it was already. `ended`: it has no grace, or its place is another's. @throws RedisDown */
export async function goAway (run: Run, keys: RoomKeys, step: GoAwayArguments): Promise<'kept' | 'away' | 'ended'> {
  const { room, id, registrationId } = step
  return String(await run(goAwayScript, [keys.members], id, registrationId, room, keys.nodePrefix)) as 'kept' | 'away' | 'ended'
}

/**
 * Those whose grace has ended.
 *
 * KEYS who is away
 * ARGV how many at most
 * Answers {room LF id LF registrationId, ...}
 */
export const dueScript = script('due', 1, `
  return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
`)

/** @throws RedisDown */
export async function due (run: Run, awayKey: string, most: number): Promise<GoAwayArguments[]> {
  const answer = await run(dueScript, [awayKey], most) as Buffer[]
  return answer.map((entry) => {
    const [room = '', id = '', registrationId = ''] = String(entry).split('\n')
    return { room, id, registrationId }
  })
}

/**
 * Forgets an entry that is nobody's: somebody else's data, or what a restored Redis has kept of a past.
 *
 * KEYS who is away, members
 * ARGV room name, id, registrationId
 */
export const forgetAwayScript = script('forgetAway', 2, `
  local held = redis.call('HGET', KEYS[2], ARGV[2])
  local member = held and split(held)
  if member and member.node == '' and member.registrationId == ARGV[3] then return end
  redis.call('ZREM', KEYS[1], table.concat({ ARGV[1], ARGV[2], ARGV[3] }, '\\n'))
  if not member or member.node ~= '' then redis.call('SREM', KEYS[1] .. ':' .. ARGV[1], ARGV[2]) end
`)

/** @throws RedisDown */
export async function forgetAway (run: Run, keys: RoomKeys, { room, id, registrationId }: GoAwayArguments): Promise<void> {
  await run(forgetAwayScript, [keys.away, keys.members], room, id, registrationId)
}
