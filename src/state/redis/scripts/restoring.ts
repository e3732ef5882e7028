import { anybody } from '../../local/room-mail.js'
import type { RoomKeys } from '../keys.js'
import type { JoinArguments } from './membership.js'
import { type Run, script } from './script.js'

/**
 * Brings a registration back under this node, unless the id is another's: within one owner it is the later registration's, of
 * two owners the earlier one's. Of one process, it replaces any other: that is of a join which the process has given up. A place that
 * was lost is had again only while one is free. A registration that Redis did not have gets what the room has kept meanwhile, and one
 * that was away by mistake its mail.
 *
 * KEYS members, sequence, opened, mail for anybody, mail
 * ARGV id, node, registrationId, owner, joinedAt, info, room channel or '', node channel prefix, room name,
 *      lifetime of an opened room or '', seenAt, most members or 0, place, ms of grace, who comes back, presence
 * Answers {how many batches of its own the room keeps, the batches of the mail, each with a space behind, mail...}, or 0 when the id is
 *      another's, -1 when another room was opened under the same code, -2 when the room is full
 */
export const restoreScript = script('restore', 5, `
  local id, registrationId, owner = ARGV[1], ARGV[3], ARGV[4]
  local opened = ARGV[10] ~= '' and redis.call('GET', KEYS[3])
  if opened and opened ~= ARGV[10] then return -1 end
  local held = redis.call('HGET', KEYS[1], id)
  local holder = held and split(held)
  local function processOf (registrationId) return string.match(registrationId, '^[^:]*') end
  if holder and processOf(holder.registrationId) ~= processOf(registrationId) then
    local theirs, ours = tonumber(holder.joinedAt), tonumber(ARGV[5])
    if holder.owner == owner and theirs >= ours or holder.owner ~= owner and theirs <= ours then return 0 end
    if holder.node ~= '' then
      redis.call('PUBLISH', ARGV[8] .. holder.node, cjson.encode({ 'close', ARGV[9], id, holder.registrationId, '4000' }))
    end
  end
  local most = tonumber(ARGV[12])
  if not holder and most > 0 and redis.call('HLEN', KEYS[1]) >= most then return -2 end
  local place = earlierPlace(holder, ARGV[13])
  if holder then comeBack(KEYS[1], id, holder) end
  redis.call('HSET', KEYS[1], id, valueOf({
    node = ARGV[2], registrationId = registrationId, owner = owner, joinedAt = ARGV[5], place = place, seenAt = ARGV[11],
    graceMs = ARGV[14], as = ARGV[15], presence = ARGV[16], info = ARGV[6]
  }))
  if ARGV[10] ~= '' then redis.call('SET', KEYS[3], ARGV[10], 'PX', idleMs(ARGV[10])) end
  if ARGV[7] ~= '' then tell(ARGV[7], { 'joined', advance(KEYS[2]), ARGV[9], id, registrationId, place, ARGV[11], ARGV[6], ARGV[16] }) end
  local answer = { batchOf(KEYS[4], id) and '1' or '0', '' }
  take(KEYS[5], id, ARGV[9], ARGV[2], ARGV[8], answer)
  if not holder and answer[1] == '0' then take(KEYS[4], id, ARGV[9], ARGV[2], ARGV[8], answer) end
  return answer
`)

export interface RestoreArguments extends Pick<JoinArguments,
  'node' | 'room' | 'id' | 'registrationId' | 'owner' | 'joinedAt' | 'seenAt' | 'info' | 'maxMembers' | 'isWatched' | 'graceMs' | 'as'> {
  /** The lifetime of an opened room, or an empty text. */
  readonly lifetime: string
  readonly place: number
  readonly presence: string
}

/** `taken`: the id is another's. `reopened`: another room was opened under the same code. `full`: others have all places. */
export type RestoreAnswer =
  | { readonly outcome: 'taken' | 'reopened' | 'full' }
  | RestoredAnswer

export interface RestoredAnswer {
  readonly outcome: 'restored'
  /** Whether the room still keeps what the peer sent while it was alone. */
  readonly isKept: boolean
  /** The names of the batches that the mail was in. */
  readonly batches: readonly string[]
  readonly mail: readonly Buffer[]
}

/** @throws RedisDown */
export async function restore (run: Run, keys: RoomKeys, step: RestoreArguments): Promise<RestoreAnswer> {
  const { node, room, id, registrationId, owner, joinedAt, place, seenAt, info, maxMembers, lifetime, isWatched } = step
  const answer = await run(restoreScript, [keys.members, keys.sequence, keys.opened, keys.mail(anybody), keys.mail(id)],
    id, node, registrationId, owner, joinedAt, info, isWatched ? keys.channel : '', keys.nodePrefix, room, lifetime, seenAt, maxMembers,
    place, step.graceMs, step.as, step.presence)
  if (!Array.isArray(answer)) return { outcome: unrestored.get(answer) ?? 'taken' }
  const [isKept, batches, ...mail] = answer as Buffer[]
  return { outcome: 'restored', isKept: String(isKept) === '1', batches: String(batches).split(' '), mail }
}

const unrestored: ReadonlyMap<unknown, 'taken' | 'reopened' | 'full'> = new Map([[0, 'taken'], [-1, 'reopened'], [-2, 'full']])
