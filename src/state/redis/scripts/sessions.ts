import type { SendOutcome } from '../../contract.js'
import { mostBegun } from '../../local/sessions.js'
import type { RoomKeys } from '../keys.js'
import { readSession } from '../messages.js'
import { type Run, script } from './script.js'

/**
 * Checks and resolves a session, sends, and begins or refreshes it. The frame is given in two halves around the session's
 * name, and once without a name.
 *
 * KEYS members
 * ARGV sender, id, session as JSON or '', begins 0|1, ms until it ends, header, frame before the session, frame after it,
 *      frame without one, node channel prefix or '' when the sender's node delivers it itself, sessions base, how it is kept for who is
 *      away
 * Answers {sent | absent | failed | foreign, session as JSON or '', the batch in which it is kept or ''}
 */
export const sendInSessionScript = script('sendInSession', 1, `
  -- Text as JSON, in UTF-8: what is stored goes into a frame for another node. Bytes that fit are replaced, so that none that do not
  -- fit come together.
  local function isText (name)
    local isJson, value = pcall(cjson.decode, name)
    if not isJson or type(value) ~= 'string' or string.find(name, '%c') or string.sub(name, 1, 1) ~= '"' then return false end
    for _, character in ipairs({
      '[\\194-\\223][\\128-\\191]', '\\224[\\160-\\191][\\128-\\191]', '[\\225-\\236\\238\\239][\\128-\\191][\\128-\\191]',
      '\\237[\\128-\\159][\\128-\\191]', '\\240[\\144-\\191][\\128-\\191][\\128-\\191]',
      '[\\241-\\243][\\128-\\191][\\128-\\191][\\128-\\191]', '\\244[\\128-\\143][\\128-\\191][\\128-\\191]'
    }) do name = string.gsub(name, character, '_') end
    return not string.find(name, '[\\128-\\255]')
  end
  local from, to, name, base = ARGV[1], ARGV[2], ARGV[3], ARGV[11]
  local pair = pairOf(from, to)
  local is = base .. ':is:' .. pair .. '\\n'
  local begunBy
  if name == '' then
    -- What has expired is in the way of the latest.
    while true do
      name = redis.call('ZRANGE', base .. ':pair:' .. pair, -1, -1)[1] or ''
      begunBy = name ~= '' and redis.call('GET', is .. name)
      if name == '' or begunBy then break end
      endSession(base, from, to, name)
    end
  else
    begunBy = redis.call('GET', is .. name)
    if ARGV[4] == '1' then
      for _, other in ipairs(redis.call('SMEMBERS', base .. ':with:' .. to .. '\\n' .. name)) do
        if other ~= from then
          if redis.call('EXISTS', base .. ':is:' .. pairOf(to, other) .. '\\n' .. name) == 1 then return { 'foreign', '' } end
          endSession(base, to, other, name)
        end
      end
    elseif not begunBy then
      local theirs = redis.call('SRANDMEMBER', base .. ':name:' .. name)
      while theirs do
        if redis.call('EXISTS', base .. ':is:' .. theirs .. '\\n' .. name) == 1 then return { 'foreign', '' } end
        local one, other = string.match(theirs, '^([^\\n]*)\\n(.*)$')
        endSession(base, one, other, name)
        theirs = redis.call('SRANDMEMBER', base .. ':name:' .. name)
      end
    end
  end
  local held = redis.call('HGET', KEYS[1], to)
  local member, batch = held and split(held), ''
  if not member then return { 'absent', '' } end
  local isOurs = name == '' or ARGV[3] ~= '' or isText(name)
  local frame = (name == '' or not isOurs) and ARGV[9] or (ARGV[7] .. name .. ARGV[8])
  if ARGV[10] ~= '' and (member.node == '' or redis.call('PUBLISH', ARGV[10] .. member.node, ARGV[6] .. frame) == 0) then
    if member.graceMs == 0 then return { 'failed', '' } end
    batch = keepForAway(KEYS[1], to, member.graceMs, from, frame, ARGV[12])
    if not batch then return { 'absent', '' } end
  end
  if name == '' or not isOurs then return { 'sent', name, batch } end
  local used = string.format('%.0f', time[1] * 1000000 + time[2])
  if ARGV[4] == '1' then redis.call('ZADD', base .. ':pair:' .. pair, used, name) end
  if begunBy then
    redis.call('PEXPIRE', is .. name, ARGV[5])
    local other = begunBy == from and to or from
    redis.call('ZADD', base .. ':of:' .. begunBy, 'XX', used, other .. '\\n' .. name)
  elseif ARGV[4] == '1' then
    redis.call('SET', is .. name, from, 'PX', ARGV[5])
    redis.call('SADD', base .. ':name:' .. name, pair)
    redis.call('SADD', base .. ':with:' .. from .. '\\n' .. name, to)
    redis.call('SADD', base .. ':with:' .. to .. '\\n' .. name, from)
    redis.call('ZADD', base .. ':of:' .. to, '+inf', from .. '\\n' .. name)
    redis.call('ZADD', base .. ':of:' .. from, used, to .. '\\n' .. name)
    if redis.call('ZCOUNT', base .. ':of:' .. from, '-inf', used) > ${mostBegun} then
      local other, oldest = string.match(redis.call('ZRANGE', base .. ':of:' .. from, 0, 0)[1], '^([^\\n]*)\\n(.*)$')
      endSession(base, from, other, oldest)
    end
  end
  return { 'sent', name, batch }
`)

export interface SendInSessionArguments {
  readonly from: string
  readonly to: string
  /** Undefined for the latest of the two peers. */
  readonly session: string | undefined
  readonly begins: boolean
  readonly idleMs: number
  readonly header: Buffer | string
  /** The frame before and after its session. */
  readonly head: string
  readonly tail: string
  readonly withoutSession: Buffer | string
  /** False when the node of the sender delivers the frame itself. */
  readonly isElsewhere: boolean
  /** See `keepForAway` in script.ts. */
  readonly keeping: string
}

export interface SendInSessionAnswer {
  readonly outcome: SendOutcome | 'foreign'
  /** The session that the frame belongs to, for the node of the sender to deliver it. */
  readonly session: string | undefined
  /** Redis names a session that is not one of ours. The frame belongs to none then. */
  readonly isUnreadable: boolean
  /** The batch in which it waits for its receiver, who is away. */
  readonly batch: string | undefined
}

/** @throws RedisDown */
export async function sendInSession (run: Run, keys: RoomKeys, step: SendInSessionArguments): Promise<SendInSessionAnswer> {
  const { from, to, session, begins, idleMs, header, head, tail, withoutSession, isElsewhere, keeping } = step
  const name = session === undefined ? '' : JSON.stringify(session)
  const answer = await run(sendInSessionScript, [keys.members], from, to, name, begins ? 1 : 0, idleMs,
    header, head, tail, withoutSession, isElsewhere ? keys.nodePrefix : '', keys.sessions, keeping) as Buffer[]
  const [outcome, bound, keptIn = ''] = answer.map(String) as [SendInSessionAnswer['outcome'], string, string?]
  const batch = keptIn === '' ? undefined : keptIn
  if (outcome !== 'sent' || bound === '') return { outcome, session: undefined, isUnreadable: false, batch }
  const found = readSession(bound)
  return { outcome, session: found, isUnreadable: found === undefined, batch }
}

/**
 * Ends a session.
 *
 * KEYS members
 * ARGV its two peers, session as JSON, sessions base
 */
export const endSessionScript = script('endSession', 1, `
  endSession(ARGV[4], ARGV[1], ARGV[2], ARGV[3])
`)

/** @throws RedisDown */
export async function endSession (run: Run, keys: RoomKeys, step: { from: string, to: string, session: string }): Promise<void> {
  const { from, to, session } = step
  await run(endSessionScript, [keys.members], from, to, JSON.stringify(session), keys.sessions)
}
