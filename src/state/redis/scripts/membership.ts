import { Sampling } from '../../local/sampling.js'
import { anybody } from '../../local/room-mail.js'
import type { RoomKeys } from '../keys.js'
import { inPlaces, readMember, type Stored } from '../messages.js'
import { type Run, script } from './script.js'

/**
 * Joins a room, in one step with the checks, the takeover, and leaving an earlier place in the same room.
 *
 * KEYS members, sequence, mail, opened, mail for anybody
 * ARGV id, node, registrationId, owner, joinedAt, info, replace 0|1, most members or 0, must be opened 0|1,
 *      registrationId of the connection's own earlier place in this room or '', its id or '', room channel or '', node channel prefix,
 *      room name, sessions base, seenAt, members may be missing 0|1, ms of grace, who comes back
 * Answers {outcome, the batches of the mail, each with a space behind, place, presence, mail...}; another node that has kept a batch is
 *      told.
 *      For an id that another connection holds: {'taken', its node, its registrationId}
 */
export const joinScript = script('join', 5, `
  local id, node, registrationId, owner = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
  local most, ownRegistrationId, ownId, channel = tonumber(ARGV[8]), ARGV[10], ARGV[11], ARGV[12]
  local opened = redis.call('GET', KEYS[4])
  local isRecovering = ARGV[17] == '1'
  if ARGV[9] == '1' and not opened then return { isRecovering and 'unavailable' or 'missing' } end
  local held = redis.call('HGET', KEYS[1], id)
  local holder = held and split(held)
  local isOwn = holder and holder.registrationId == ownRegistrationId
  local isReturning = holder and holder.graceMs > 0 and holder.as == ARGV[19]
  local hasLeft = isReturning and holder.node == ''
  if holder and not isOwn and not hasLeft and (ARGV[7] ~= '1' or holder.owner ~= owner) then
    return { 'taken', holder.node, holder.registrationId }
  end
  local earlier = ownId ~= '' and ownId ~= id and redis.call('HGET', KEYS[1], ownId)
  earlier = earlier and split(earlier)
  if earlier and earlier.registrationId ~= ownRegistrationId then earlier = false end
  if not holder and not earlier and most > 0 then
    local size = redis.call('HLEN', KEYS[1])
    if size >= most then return { 'full' } end
    -- An opened room without a member was opened just now: nobody brings members of it back.
    if isRecovering and not (opened and size == 0) then return { 'unavailable' } end
  end
  if earlier then
    redis.call('HDEL', KEYS[1], ownId)
    endSessions(ARGV[15], ownId)
    dropKept(KEYS[5], ownId, ARGV[14], node, ARGV[13])
    tell(channel, { 'left', advance(KEYS[2]), ARGV[14], ownId, ownRegistrationId })
  end
  local place = earlierPlace(holder, ARGV[5])
  local presence = isReturning and holder.info == ARGV[6] and holder.presence or registrationId
  if holder then comeBack(KEYS[1], id, holder) end
  if holder and not isReturning then discardMail(KEYS[1], id, ARGV[13]) end
  redis.call('HSET', KEYS[1], id, valueOf({
    node = node, registrationId = registrationId, owner = owner, joinedAt = ARGV[5], place = place, seenAt = ARGV[16],
    graceMs = ARGV[18], as = ARGV[19], presence = presence, info = ARGV[6]
  }))
  if opened then redis.call('PEXPIRE', KEYS[4], idleMs(opened)) end
  if holder and not isOwn and holder.node ~= '' then
    redis.call('PUBLISH', ARGV[13] .. holder.node, cjson.encode({ 'close', ARGV[14], id, holder.registrationId, '4000' }))
  end
  if channel ~= '' then
    tell(channel, { 'joined', advance(KEYS[2]), ARGV[14], id, registrationId, place, ARGV[16], ARGV[6], presence })
  end
  local answer = { 'joined', '', place, presence }
  take(KEYS[3], id, ARGV[14], node, ARGV[13], answer)
  if not batchOf(KEYS[5], id) then take(KEYS[5], id, ARGV[14], node, ARGV[13], answer) end
  return answer
`)

export interface JoinArguments {
  readonly node: string
  readonly room: string
  readonly id: string
  readonly registrationId: string
  /** JSON. */
  readonly owner: string
  readonly joinedAt: number
  readonly seenAt: number
  /** JSON. */
  readonly info: string
  readonly replace: boolean
  /** 0 for any number. */
  readonly maxMembers: number
  readonly requireOpen: boolean
  /** Redis may not hold all members, and the join depends on them. */
  readonly isRecovering: boolean
  /** The connection's own earlier place in this room. */
  readonly own: { readonly id: string, readonly registrationId: string } | undefined
  /** Whether the room's nodes are told. */
  readonly isWatched: boolean
  /** 0 without. */
  readonly graceMs: number
  /** Who comes back, as JSON. */
  readonly as: string
}

/** The registration that holds an id, and its node. */
export interface Holder {
  readonly node: string
  readonly registrationId: string
}

export type JoinAnswer =
  | { readonly outcome: 'missing' | 'full' | 'unavailable' }
  | { readonly outcome: 'taken', readonly holder: Holder }
  /** With its place, its presence, and the names of the batches that the mail was in. */
  | {
    readonly outcome: 'joined',
    readonly batches: readonly string[],
    readonly place: number,
    readonly presence: string,
    readonly mail: readonly Buffer[]
  }

/** @throws RedisDown */
export async function join (run: Run, keys: RoomKeys, step: JoinArguments): Promise<JoinAnswer> {
  const { node, room, id, registrationId, owner, joinedAt, seenAt, info, own, isWatched } = step
  const { replace, maxMembers, requireOpen, isRecovering, graceMs, as } = step
  const answer = await run(joinScript, [keys.members, keys.sequence, keys.mail(id), keys.opened, keys.mail(anybody)],
    id, node, registrationId, owner, joinedAt, info, replace ? 1 : 0, maxMembers, requireOpen ? 1 : 0,
    own?.registrationId ?? '', own?.id ?? '', isWatched ? keys.channel : '', keys.nodePrefix, room, keys.sessions, seenAt,
    isRecovering ? 1 : 0, graceMs, as) as Buffer[]
  const [outcome, ...rest] = answer
  const text = String(outcome) as JoinAnswer['outcome']
  if (text === 'taken') return { outcome: text, holder: { node: String(rest[0]), registrationId: String(rest[1]) } }
  if (text !== 'joined') return { outcome: text }
  const [batches, place, presence, ...mail] = rest
  return { outcome: text, batches: String(batches).split(' '), place: Number(place), presence: String(presence), mail }
}

/**
 * Leaves, if the place is still this registration's.
 *
 * KEYS members, sequence, opened, mail for anybody
 * ARGV id, registrationId or '' for whoever is away, room channel or '', room name, sessions base, node channel prefix,
 *      only when its grace has ended 0|1
 * Answers 1, or 0 when the place is another registration's. For an opened room that is empty now:
 *      {its opener, the name of this opening, ms that it stays, most empty rooms of its opener}
 */
export const leaveScript = script('leave', 4, `
  local held = redis.call('HGET', KEYS[1], ARGV[1])
  local member = held and split(held)
  local isAway = member and member.node == ''
  if not member or (ARGV[2] == '' and not isAway) or (ARGV[2] ~= '' and member.registrationId ~= ARGV[2]) then return 0 end
  if ARGV[7] == '1' then
    local tag = tagAndRoom(KEYS[1])
    local ends = redis.call('ZSCORE', tag .. ':away', awayEntry(ARGV[4], ARGV[1], member))
    if not isAway or not ends or tonumber(ends) > now then return 0 end
  end
  redis.call('HDEL', KEYS[1], ARGV[1])
  if isAway then
    comeBack(KEYS[1], ARGV[1], member)
    discardMail(KEYS[1], ARGV[1], ARGV[6])
  end
  endSessions(ARGV[5], ARGV[1])
  dropKept(KEYS[4], ARGV[1], ARGV[4], member.node, ARGV[6])
  if ARGV[3] ~= '' then tell(ARGV[3], { 'left', advance(KEYS[2]), ARGV[4], ARGV[1], member.registrationId }) end
  if redis.call('HLEN', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[2])
    local opened = redis.call('GET', KEYS[3])
    if opened then
      redis.call('PEXPIRE', KEYS[3], emptyMs(opened))
      local _, ms, own, most, by = lifetimeOf(opened)
      if by and by ~= '' then return { by, own, ms, most } end
    end
  end
  return 1
`)

/** An opened room that its last member has left. */
export interface LeftEmpty {
  /** Its opener. */
  readonly by: string
  /** Names this opening of the room. */
  readonly own: string
  /** How long it stays, in ms. */
  readonly emptyMs: number
  /** How many empty rooms its opener may have. */
  readonly mostEmpty: number
}

export interface LeaveArguments {
  readonly room: string
  readonly id: string
  /** Undefined for whoever is away under the id. */
  readonly registrationId: string | undefined
  readonly isWatched: boolean
  /** Only once its grace has ended. */
  readonly isExpiry?: boolean
}

/**
 * `hasLeft` is false when the place belongs to another registration by now.
 *
 * @throws RedisDown
 */
export async function leave (run: Run, keys: RoomKeys, step: LeaveArguments): Promise<{ hasLeft: boolean, empty?: LeftEmpty }> {
  const { room, id, registrationId = '', isWatched, isExpiry = false } = step
  const answer = await run(leaveScript, [keys.members, keys.sequence, keys.opened, keys.mail(anybody)],
    id, registrationId, isWatched ? keys.channel : '', room, keys.sessions, keys.nodePrefix, isExpiry ? 1 : 0)
  if (!Array.isArray(answer)) return { hasLeft: answer !== 0 }
  const [by = '', own = '', emptyMs, mostEmpty] = answer.map(String)
  return { hasLeft: true, empty: { by, own, emptyMs: Number(emptyMs), mostEmpty: Number(mostEmpty) } }
}

/**
 * Removes the members that a dead node had in a room, or keeps the places of those that have a grace.
 *
 * KEYS members, sequence, opened, mail for anybody
 * ARGV node, room channel or '', room name, sessions base, node channel prefix, places are kept 0|1
 * Answers how many there were
 */
export const reapScript = script('reap', 4, `
  local all = redis.call('HGETALL', KEYS[1])
  local count = 0
  for i = 1, #all, 2 do
    local member = split(all[i + 1])
    if member and member.node == ARGV[1] then
      count = count + 1
      if ARGV[6] == '1' and member.graceMs > 0 then
        goAway(KEYS[1], all[i], member)
      else
        redis.call('HDEL', KEYS[1], all[i])
        endSessions(ARGV[4], all[i])
        dropKept(KEYS[4], all[i], ARGV[3], member.node, ARGV[5])
        if ARGV[2] ~= '' then tell(ARGV[2], { 'left', advance(KEYS[2]), ARGV[3], all[i], member.registrationId }) end
      end
    end
  end
  if redis.call('HLEN', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[2])
    local opened = redis.call('GET', KEYS[3])
    if opened and count > 0 then redis.call('PEXPIRE', KEYS[3], emptyMs(opened)) end
  end
  return count
`)

export interface ReapArguments {
  readonly node: string
  readonly room: string
  readonly isWatched: boolean
  /** Whether those with a grace are away from now on. */
  readonly keepsPlaces: boolean
}

/** The number of members that the node had. @throws RedisDown */
export async function reap (run: Run, keys: RoomKeys, { node, room, isWatched, keepsPlaces }: ReapArguments): Promise<number> {
  const answer = await run(reapScript, [keys.members, keys.sequence, keys.opened, keys.mail(anybody)],
    node, isWatched ? keys.channel : '', room, keys.sessions, keys.nodePrefix, keepsPlaces ? 1 : 0)
  return Number(answer)
}

/**
 * Tells when members were last heard of.
 *
 * KEYS members
 * ARGV room channel, room name, then of each its id, registrationId, seenAt
 */
export const seenScript = script('seen', 1, `
  local event = { 'seen', ARGV[2] }
  for i = 3, #ARGV - 1, 3 do
    local held = redis.call('HGET', KEYS[1], ARGV[i])
    local member = held and split(held)
    if member and member.registrationId == ARGV[i + 1] then
      member.seenAt = ARGV[i + 2]
      redis.call('HSET', KEYS[1], ARGV[i], valueOf(member))
      for part = 0, 2 do event[#event + 1] = ARGV[i + part] end
    end
  end
  if #event > 2 then tell(ARGV[1], event) end
`)

export interface SeenMember {
  readonly id: string
  readonly registrationId: string
  readonly seenAt: number
}

/** @throws RedisDown */
export async function tellSeen (run: Run, keys: RoomKeys, room: string, seen: readonly SeenMember[]): Promise<void> {
  const members = seen.flatMap(({ id, registrationId, seenAt }) => [id, registrationId, seenAt])
  await run(seenScript, [keys.members], keys.channel, room, ...members)
}

/**
 * Random members of a room, each at most once.
 *
 * KEYS members
 * ARGV how many
 * Answers {id, value, id, value...}
 */
export const sampleScript = script('sample', 1, `
  return redis.call('HRANDFIELD', KEYS[1], ARGV[1], 'WITHVALUES')
`)

/** Up to `count` members without the id `except`. @throws RedisDown */
export async function sample (run: Run, keys: RoomKeys, count: number, except: string | undefined): Promise<Stored[]> {
  if (count <= 0) return []
  // One more, in case that `except` is among them. Redis does not answer in a random order.
  const answer = await run(sampleScript, [keys.members], except === undefined ? count : count + 1) as Buffer[]
  return new Sampling(membersOf(answer.map(String))).draw(count, except)
}

/** Reads ids and values. What is no member of ours is skipped. */
function membersOf (fields: readonly string[]): Stored[] {
  const all: Stored[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const member = readMember(fields[at] as string, fields[at + 1] as string)
    if (member !== undefined) all.push(member)
  }
  return all
}

/**
 * A room's members and the number of its last event.
 *
 * KEYS members, sequence
 * Answers {sequence, id, value, id, value...}
 */
export const snapshotScript = script('snapshot', 2, `
  local answer = redis.call('HGETALL', KEYS[1])
  table.insert(answer, 1, redis.call('GET', KEYS[2]) or '0')
  return answer
`)

/** The members in the order of their places. `busyMs` is the time that reading the answer took. @throws RedisDown */
export async function snapshot (run: Run, keys: RoomKeys): Promise<{ sequence: number, all: Stored[], busyMs: number }> {
  const answer = await run(snapshotScript, [keys.members, keys.sequence]) as Buffer[]
  const startedAt = performance.now()
  const [last, ...fields] = answer.map(String)
  const all = inPlaces(membersOf(fields))
  return { sequence: Number(last), all, busyMs: performance.now() - startedAt }
}
