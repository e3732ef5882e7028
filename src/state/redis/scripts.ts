import { mostBegun } from '../local/sessions.js'

/**
 * The steps that must not be torn apart, as Lua. In all of them a member of a room is a field of one hash: its id, and the
 * value `node LF epoch LF owner LF joinedAt LF seenAt LF info`. The epoch stands for one registration and outlives its node's
 * incarnations; owner and info are JSON, so that no part can hold a line feed. What is no such value counts as absent. Messages
 * are as redis-messages.ts says; of an event all parts are text.
 *
 * Every script touches keys of one slot only. PUBLISH stands for SPUBLISH on a cluster.
 */

const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/**
 * The last argument of every step is when it is void, in ms by the clock of Redis: its node has told its client that it failed,
 * or has lost its lease and been reaped. It may come late out of a socket that was held up.
 */
const fence = `
if tonumber(ARGV[#ARGV]) < now then return redis.error_reply('LATE the node does not wait for this any more') end
`

const helpers = `
local function split (value)
  local node, epoch, owner, joinedAt, seenAt, info = string.match(value, '^([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n(%d[%d.]*)\\n([^\\n]*)\\n(.*)$')
  return node and { node = node, epoch = epoch, owner = owner, joinedAt = joinedAt, seenAt = seenAt, info = info }
end
-- A room that was empty begins later than it ever was, so that nobody takes its events for old ones. As text: cjson writes 14 digits.
local function advance (sequence)
  if redis.call('EXISTS', sequence) == 0 then redis.call('SET', sequence, string.format('%.0f', time[1] * 1000000 + time[2])) end
  return string.format('%.0f', redis.call('INCR', sequence))
end
local function lifetimeOf (text) return string.match(text, '^(%d+)\\n(%d+)\\n([^\\n]*)\\n(%d+)\\n(.*)$') end
local function idleMs (lifetime) return string.match(lifetime, '^%d+') end
local function emptyMs (lifetime) return string.match(lifetime, '^%d+\\n(%d+)') end
local function tell (channel, event)
  if channel ~= '' then redis.call('PUBLISH', channel, cjson.encode(event)) end
end
-- Beside the letters of a mailbox lie a book of what is in it and whose it is, and the ends of its batches. What has expired is not in the
-- book, even if its letters are still there.
local function bookOf (mail) return (string.gsub(mail, ':mail:', ':mail-book:', 1)) end
local function endsOf (mail) return (string.gsub(mail, ':mail:', ':mail-ends:', 1)) end
local function count (book, letters, bytes, origin)
  redis.call('HINCRBY', book, 'count', letters)
  redis.call('HINCRBY', book, 'bytes', bytes)
  if origin == '' then return end
  if redis.call('HINCRBY', book, 'count of ' .. origin, letters) == 0 then return redis.call('HDEL', book, 'count of ' .. origin, 'bytes of ' .. origin) end
  redis.call('HINCRBY', book, 'bytes of ' .. origin, bytes)
end
local function batchOf (mail, sender)
  local value = redis.call('HGET', bookOf(mail), 'batch ' .. sender)
  if not value then return end
  local name, expiresAt, count, bytes, origin = string.match(value, '^([^\\n]*)\\n(%d+)\\n(%d+)\\n(%d+)\\n(.*)$')
  return { name = name, expiresAt = expiresAt, count = tonumber(count), bytes = tonumber(bytes), origin = origin }
end
local function closeBatch (mail, sender)
  local batch = batchOf(mail, sender)
  redis.call('ZREM', endsOf(mail), sender)
  if not batch then return end
  redis.call('HDEL', bookOf(mail), 'batch ' .. sender)
  count(bookOf(mail), -batch.count, -batch.bytes, batch.origin)
end
local function leaveIn (mail, letters)
  local ttl = redis.call('PTTL', mail)
  redis.call('DEL', mail)
  for _, letter in ipairs(letters) do redis.call('RPUSH', mail, letter) end
  if #letters > 0 and ttl > 0 then redis.call('PEXPIRE', mail, ttl) end
end
-- Sessions of a room. What is called base is the beginning of their keys:
--   base:is:<pair>\\n<name>    text, who began it; it expires with the session, and the rest does not count without it
--   base:pair:<pair>          zset, names of the sessions of the two, by when they were begun or begun anew
--   base:name:<name>          set, pairs in a session of that name
--   base:with:<id>\\n<name>    set, who else the peer is in a session of that name with
--   base:of:<id>              zset, other LF name of the peer's sessions; those it has begun by their last use, the others last
local function pairOf (one, other) return one < other and (one .. '\\n' .. other) or (other .. '\\n' .. one) end
local function endSession (base, one, other, name)
  local pair = pairOf(one, other)
  redis.call('DEL', base .. ':is:' .. pair .. '\\n' .. name)
  redis.call('ZREM', base .. ':pair:' .. pair, name)
  redis.call('SREM', base .. ':name:' .. name, pair)
  for _, peers in ipairs({ { one, other }, { other, one } }) do
    redis.call('SREM', base .. ':with:' .. peers[1] .. '\\n' .. name, peers[2])
    redis.call('ZREM', base .. ':of:' .. peers[1], peers[2] .. '\\n' .. name)
  end
end
local function endSessions (base, id)
  for _, session in ipairs(redis.call('ZRANGE', base .. ':of:' .. id, 0, -1)) do
    local other, name = string.match(session, '^([^\\n]*)\\n(.*)$')
    endSession(base, id, other, name)
  end
end
`

/** What the steps about attempts share. What a dead node held does not count. */
const attempts = `
local function attemptsOf ()
  local of = redis.call('HMGET', KEYS[1], 'underWay', 'failed', 'isBarred')
  return { underWay = tonumber(of[1] or 0), failed = tonumber(of[2] or 0), isBarred = of[3], isNew = not of[1] and not of[2] and not of[3] }
end
local function mayFail (failures)
  local held = 0
  local nodes = redis.call('HGETALL', KEYS[2])
  for i = 1, #nodes, 2 do
    local lease = redis.call('ZSCORE', KEYS[3], nodes[i])
    if lease and tonumber(lease) >= now then held = held + nodes[i + 1] else redis.call('HDEL', KEYS[2], nodes[i]) end
  end
  return math.max(held, tonumber(failures))
end
`

interface Script {
  readonly numberOfKeys: number
  readonly lua: string
}

const script = (numberOfKeys: number, lua: string): Script => ({ numberOfKeys, lua: clock + fence + helpers + lua })

export const scripts = {
  /**
   * Joins a room, in one step with the checks, the takeover, and leaving an earlier place in the same room.
   *
   * KEYS members, sequence, mail, opened
   * ARGV id, node, epoch, owner, joinedAt, info, replace 0|1, most members or 0, must be opened 0|1,
   *      epoch of the connection's own earlier place in this room or '', its id or '', room channel or '', node channel prefix,
   *      room name, sessions base, seenAt
   * Answers {outcome, the batches of the mail, each with a space behind, mail...}; another node that has kept a batch is told
   */
  join: script(4, `
    local id, node, epoch, owner = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
    local most, ownEpoch, ownId, channel = tonumber(ARGV[8]), ARGV[10], ARGV[11], ARGV[12]
    local opened = redis.call('GET', KEYS[4])
    if ARGV[9] == '1' and not opened then return { 'missing' } end
    local held = redis.call('HGET', KEYS[1], id)
    local holder = held and split(held)
    local isOwn = holder and holder.epoch == ownEpoch
    if holder and not isOwn and (ARGV[7] ~= '1' or holder.owner ~= owner) then return { 'taken' } end
    local earlier = ownId ~= '' and ownId ~= id and redis.call('HGET', KEYS[1], ownId)
    earlier = earlier and split(earlier)
    if earlier and earlier.epoch ~= ownEpoch then earlier = false end
    if not holder and not earlier and most > 0 and redis.call('HLEN', KEYS[1]) >= most then return { 'full' } end
    if earlier then
      redis.call('HDEL', KEYS[1], ownId)
      endSessions(ARGV[15], ownId)
      tell(channel, { 'left', advance(KEYS[2]), ARGV[14], ownId, ownEpoch })
    end
    redis.call('HSET', KEYS[1], id, table.concat({ node, epoch, owner, ARGV[5], ARGV[16], ARGV[6] }, '\\n'))
    if opened then redis.call('PEXPIRE', KEYS[4], idleMs(opened)) end
    if holder and not isOwn then
      redis.call('PUBLISH', ARGV[13] .. holder.node, cjson.encode({ 'close', ARGV[14], id, holder.epoch, '4000' }))
    end
    if channel ~= '' then tell(channel, { 'joined', advance(KEYS[2]), ARGV[14], id, epoch, ARGV[5], ARGV[16], ARGV[6] }) end
    local answer, batches, left = { 'joined', '' }, {}, {}
    for _, letter in ipairs(redis.pcall('LRANGE', KEYS[3], 0, -1)) do
      local batch, expiresAt, frame = string.match(letter, '^[^\\n]*\\n([^\\n]*)\\n(%d+)\\n(.*)$')
      if batch and tonumber(expiresAt) > now then
        answer[#answer + 1] = frame
        if not batches[batch] then
          batches[batch] = true
          answer[2] = answer[2] .. batch .. ' '
          local keeper = string.match(batch, '^[^/]*')
          if keeper ~= node then redis.call('PUBLISH', ARGV[13] .. keeper, cjson.encode({ 'found', ARGV[14], id, batch })) end
        end
      else
        -- What has expired is left for the node that tells its sender.
        left[#left + 1] = letter
      end
    end
    if #answer > 2 then
      leaveIn(KEYS[3], left)
      redis.call('DEL', bookOf(KEYS[3]), endsOf(KEYS[3]))
    end
    return answer
  `),

  /**
   * Brings a registration back under this node, unless the id is another's: within one owner it is the later registration's, of
   * two owners the earlier one's.
   *
   * KEYS members, sequence, opened
   * ARGV id, node, epoch, owner, joinedAt, info, room channel or '', node channel prefix, room name, lifetime of an opened room or '',
   *      seenAt
   * Answers 1, 0 when the id is another's, or -1 when another room was opened under the same code
   */
  restore: script(3, `
    local id, epoch, owner = ARGV[1], ARGV[3], ARGV[4]
    local opened = ARGV[10] ~= '' and redis.call('GET', KEYS[3])
    if opened and opened ~= ARGV[10] then return -1 end
    local held = redis.call('HGET', KEYS[1], id)
    local holder = held and split(held)
    if holder and holder.epoch ~= epoch then
      local theirs, ours = tonumber(holder.joinedAt), tonumber(ARGV[5])
      if holder.owner == owner and theirs >= ours or holder.owner ~= owner and theirs <= ours then return 0 end
      redis.call('PUBLISH', ARGV[8] .. holder.node, cjson.encode({ 'close', ARGV[9], id, holder.epoch, '4000' }))
    end
    redis.call('HSET', KEYS[1], id, table.concat({ ARGV[2], epoch, owner, ARGV[5], ARGV[11], ARGV[6] }, '\\n'))
    if ARGV[10] ~= '' then redis.call('SET', KEYS[3], ARGV[10], 'PX', idleMs(ARGV[10])) end
    if ARGV[7] ~= '' then tell(ARGV[7], { 'joined', advance(KEYS[2]), ARGV[9], id, epoch, ARGV[5], ARGV[11], ARGV[6] }) end
    return 1
  `),

  /**
   * Leaves, if the place is still this registration's.
   *
   * KEYS members, sequence, opened
   * ARGV id, epoch, room channel or '', room name, sessions base
   * Answers 1, or 0 when it was not; of an opened room that is empty now {who opened it, its own name, ms that it stays, how many such may}
   */
  leave: script(3, `
    local held = redis.call('HGET', KEYS[1], ARGV[1])
    local member = held and split(held)
    if not member or member.epoch ~= ARGV[2] then return 0 end
    redis.call('HDEL', KEYS[1], ARGV[1])
    endSessions(ARGV[5], ARGV[1])
    if ARGV[3] ~= '' then tell(ARGV[3], { 'left', advance(KEYS[2]), ARGV[4], ARGV[1], ARGV[2] }) end
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
  `),

  /**
   * Removes the members that a dead node had in a room.
   *
   * KEYS members, sequence, opened
   * ARGV node, room channel or '', room name, sessions base
   * Answers how many there were
   */
  reap: script(3, `
    local all = redis.call('HGETALL', KEYS[1])
    local count = 0
    for i = 1, #all, 2 do
      local member = split(all[i + 1])
      if member and member.node == ARGV[1] then
        count = count + 1
        redis.call('HDEL', KEYS[1], all[i])
        endSessions(ARGV[4], all[i])
        if ARGV[2] ~= '' then tell(ARGV[2], { 'left', advance(KEYS[2]), ARGV[3], all[i], member.epoch }) end
      end
    end
    if redis.call('HLEN', KEYS[1]) == 0 then
      redis.call('DEL', KEYS[2])
      local opened = redis.call('GET', KEYS[3])
      if opened and count > 0 then redis.call('PEXPIRE', KEYS[3], emptyMs(opened)) end
    end
    return count
  `),

  /**
   * Tells when members were last heard of.
   *
   * KEYS members
   * ARGV room channel, room name, then of each its id, epoch, seenAt
   */
  seen: script(1, `
    local event = { 'seen', ARGV[2] }
    for i = 3, #ARGV - 1, 3 do
      local held = redis.call('HGET', KEYS[1], ARGV[i])
      local member = held and split(held)
      if member and member.epoch == ARGV[i + 1] then
        redis.call('HSET', KEYS[1], ARGV[i], table.concat({ member.node, member.epoch, member.owner, member.joinedAt, ARGV[i + 2], member.info }, '\\n'))
        for part = 0, 2 do event[#event + 1] = ARGV[i + part] end
      end
    end
    if #event > 2 then tell(ARGV[1], event) end
  `),

  /**
   * A room's members and the number of its last event.
   *
   * KEYS members, sequence
   * Answers {sequence, id, value, id, value...}
   */
  snapshot: script(2, `
    local answer = redis.call('HGETALL', KEYS[1])
    table.insert(answer, 1, redis.call('GET', KEYS[2]) or '0')
    return answer
  `),

  /**
   * Looks peers up and hands their nodes what is for them, in one message to each node.
   *
   * KEYS members of one of the rooms
   * ARGV letters, members of a room without its name, node channel prefix
   * Answers {number of a letter that was not sent, absent or failed (its node does not listen), ...}
   */
  send: script(1, `
    local letters, members, prefix = ARGV[1], ARGV[2], ARGV[3]
    -- Letters for one node that follow each other are cut out as one: cutting and joining 40 of 1.5 KB takes 0.007 ms a letter.
    local at, number, nodeOf, batches = 1, 0, {}, {}
    while at <= #letters do
      local room, id, from, type, bytes, start = string.match(letters, '^%a+ (%d+) (%d+) (%d+) (%d+) (%d+)\\n()', at)
      local idAt = start + room + 1
      local next = idAt + id + from + type + bytes + 3
      -- One room that cannot be read must not hold up what is for others.
      local held = redis.pcall('HGET', members .. string.sub(letters, start, idAt - 2), string.sub(letters, idAt, idAt + id - 1))
      local node = held and not held.err and string.match(held, '^[^\\n]*')
      nodeOf[number] = node
      if node then
        local batch = batches[node]
        if not batch then
          batch = { from = at }
          batches[node] = batch
        elseif batch.to ~= at then
          batch[#batch + 1] = string.sub(letters, batch.from, batch.to - 1)
          batch.from = at
        end
        batch.to = next
      end
      at, number = next, number + 1
    end
    local heard = {}
    for node, batch in pairs(batches) do
      batch[#batch + 1] = string.sub(letters, batch.from, batch.to - 1)
      heard[node] = redis.call('PUBLISH', prefix .. node, table.concat(batch))
    end
    local answer = {}
    for letter = 0, number - 1 do
      local node = nodeOf[letter]
      if not node or heard[node] == 0 then
        answer[#answer + 1] = letter
        answer[#answer + 1] = node and 'failed' or 'absent'
      end
    end
    return answer
  `),

  /**
   * Looks a peer up and hands its node a frame, or keeps it. Frames of one sender for one receiver are a batch, which expires as one. The list outlives them
   * by a minute: a busy node may be late to take them out and tell their sender, and what is gone by then it takes for found.
   *
   * KEYS members, mail
   * ARGV id, message, node channel prefix, sender, frame, ms to keep, batch to begin,
   *      most frames, most bytes, and the same of one sender, and of one origin, then the sender's origin or ''
   * Answers {sent | failed | full} or {kept, batch}
   */
  sendOrKeep: script(2, `
    local held = redis.call('HGET', KEYS[1], ARGV[1])
    if held then
      if redis.call('PUBLISH', ARGV[3] .. split(held).node, ARGV[2]) == 0 then return { 'failed' } end
      return { 'sent' }
    end
    local mail, from, size, origin = KEYS[2], ARGV[4], #ARGV[5], ARGV[14]
    local book, ends = bookOf(mail), endsOf(mail)
    for _, sender in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now)) do closeBatch(mail, sender) end
    local batch = batchOf(mail, from)
    if batch then origin = batch.origin end
    local function isFull (count, bytes, most)
      return tonumber(count or 0) >= tonumber(ARGV[most]) or tonumber(bytes or 0) + size > tonumber(ARGV[most + 1])
    end
    local of = redis.call('HMGET', book, 'count', 'bytes', 'count of ' .. origin, 'bytes of ' .. origin)
    if isFull(of[1], of[2], 8) or (batch and isFull(batch.count, batch.bytes, 10)) or isFull(0, 0, 10) or (origin ~= '' and isFull(of[3], of[4], 12)) then return { 'full' } end
    if not batch then
      batch = { name = ARGV[7], expiresAt = string.format('%.0f', now + ARGV[6]), count = 0, bytes = 0, origin = origin }
      redis.call('ZADD', ends, batch.expiresAt, from)
    end
    redis.call('RPUSH', mail, table.concat({ from, batch.name, batch.expiresAt, ARGV[5] }, '\\n'))
    redis.call('HSET', book, 'batch ' .. from, table.concat({ batch.name, batch.expiresAt, batch.count + 1, batch.bytes + size, origin }, '\\n'))
    count(book, 1, size, origin)
    for _, key in ipairs({ mail, book, ends }) do redis.call('PEXPIRE', key, ARGV[6] + 60000) end
    return { 'kept', batch.name }
  `),

  /**
   * Throws a batch of mail away.
   *
   * KEYS mail
   * ARGV sender, batch
   * Answers how many frames it had
   */
  expireMail: script(1, `
    local prefix = ARGV[1] .. '\\n' .. ARGV[2] .. '\\n'
    local letters, left = redis.call('LRANGE', KEYS[1], 0, -1), {}
    for _, letter in ipairs(letters) do
      if string.sub(letter, 1, #prefix) ~= prefix then left[#left + 1] = letter end
    end
    if #left < #letters then leaveIn(KEYS[1], left) end
    local batch = batchOf(KEYS[1], ARGV[1])
    if batch and batch.name == ARGV[2] then closeBatch(KEYS[1], ARGV[1]) end
    if #left == 0 then redis.call('DEL', bookOf(KEYS[1]), endsOf(KEYS[1])) end
    return #letters - #left
  `),

  /**
   * Tells a room's nodes, and keeps an opened room open.
   *
   * KEYS members, opened
   * ARGV room channel, message
   * Answers how many members the room has
   */
  broadcast: script(2, `
    redis.call('PUBLISH', ARGV[1], ARGV[2])
    local opened = redis.call('GET', KEYS[2])
    if opened then redis.call('PEXPIRE', KEYS[2], idleMs(opened)) end
    return redis.call('HLEN', KEYS[1])
  `),

  /**
   * Opens a room under the first of some codes that is free.
   *
   * KEYS members and opened of one of the rooms
   * ARGV lifetime as 'idleMs LF emptyMs LF name of its own LF most empty rooms of its opener LF its opener', ms until it goes if nobody joins,
   *      members and opened of a room without its code, codes...
   * Answers the code, or nothing when all are in use
   */
  open: script(2, `
    for i = 5, #ARGV - 1 do
      if redis.call('EXISTS', ARGV[3] .. ARGV[i], ARGV[4] .. ARGV[i]) == 0 then
        redis.call('SET', ARGV[4] .. ARGV[i], ARGV[1], 'PX', ARGV[2])
        return ARGV[i]
      end
    end
    return false
  `),

  /**
   * Notes a room that was left empty for whoever opened it.
   *
   * KEYS empty rooms
   * ARGV 'room LF its own name', ms that it stays, how many such may
   * Answers those that are too many
   */
  noteEmpty: script(1, `
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
    redis.call('ZADD', KEYS[1], now, ARGV[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    local tooMany = {}
    while redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) do tooMany[#tooMany + 1] = redis.call('ZPOPMIN', KEYS[1])[1] end
    return tooMany
  `),

  /**
   * Closes an opened room that is empty, if it is still the same.
   *
   * KEYS members, opened
   * ARGV its own name
   */
  closeEmpty: script(2, `
    local opened = redis.call('GET', KEYS[2])
    if not opened or redis.call('EXISTS', KEYS[1]) == 1 then return end
    local _, _, own = lifetimeOf(opened)
    if own == ARGV[1] then redis.call('DEL', KEYS[2]) end
  `),

  /**
   * Checks and resolves a session, sends, and begins or refreshes it. The frame is given in two halves around the session's
   * name, and once without a name.
   *
   * KEYS members
   * ARGV sender, id, session as JSON or '', begins 0|1, ms until it ends, header, frame before the session, frame after it,
   *      frame without one, node channel prefix or '' when the sender's node delivers it itself, sessions base
   * Answers {sent | absent | failed | foreign, session as JSON or ''}
   */
  sendInSession: script(1, `
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
    if not held then return { 'absent', '' } end
    local frame = name == '' and ARGV[9] or (ARGV[7] .. name .. ARGV[8])
    if ARGV[10] ~= '' and redis.call('PUBLISH', ARGV[10] .. split(held).node, ARGV[6] .. frame) == 0 then return { 'failed', '' } end
    if name == '' then return { 'sent', name } end
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
    return { 'sent', name }
  `),

  /**
   * Ends a session.
   *
   * KEYS members
   * ARGV its two peers, session as JSON, sessions base
   */
  endSession: script(1, `
    endSession(ARGV[4], ARGV[1], ARGV[2], ARGV[3])
  `),

  /**
   * Begins an attempt, unless one more may be too many.
   *
   * KEYS attempts, held, nodes
   * ARGV most failures, ms of the window
   * Answers 1 or 0
   */
  beginAttempt: script(3, attempts + `
    local of = attemptsOf()
    if of.isBarred or of.underWay + of.failed > mayFail(ARGV[1]) then return 0 end
    redis.call('HINCRBY', KEYS[1], 'underWay', 1)
    if of.isNew then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
    return 1
  `),

  /**
   * Takes an attempt out of the count.
   *
   * KEYS attempts, held, nodes
   */
  succeedAttempt: script(3, attempts + `
    local of = attemptsOf()
    if of.underWay > 0 then redis.call('HINCRBY', KEYS[1], 'underWay', -1) end
    if of.underWay <= 1 and of.failed == 0 and not of.isBarred then redis.call('DEL', KEYS[1]) end
  `),

  /**
   * Counts an attempt as failed, and bars the key when it is one too many.
   *
   * KEYS attempts, held, nodes
   * ARGV most failures, ms of the window
   * Answers 1 when it is barred, or 0
   */
  failAttempt: script(3, attempts + `
    local of = attemptsOf()
    if of.underWay > 0 then redis.call('HINCRBY', KEYS[1], 'underWay', -1) end
    if of.isBarred then return 1 end
    redis.call('HINCRBY', KEYS[1], 'failed', 1)
    local isTooMany = of.failed + 1 > mayFail(ARGV[1])
    if isTooMany then redis.call('HSET', KEYS[1], 'isBarred', 1) end
    if isTooMany or of.isNew then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
    return isTooMany and 1 or 0
  `),

  /**
   * Writes down how many a node holds of what attempts are about. It is forgotten after a day without a change.
   *
   * KEYS attempts, held, nodes
   * ARGV node, count
   */
  holdAttempts: script(3, `
    if ARGV[2] == '0' then return redis.call('HDEL', KEYS[2], ARGV[1]) end
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
    redis.call('EXPIRE', KEYS[2], 86400)
  `),

  /**
   * Renews a node's lease, and finds those whose lease has run out. The generation is made up by whoever finds none: another one
   * says that Redis has lost what it held.
   *
   * KEYS nodes, generation
   * ARGV node, ms of the lease, 1 to begin it, generation to set
   * Answers {1, or 0 when the lease was lost, ms by the clock of Redis as text, generation, dead nodes...}
   */
  renew: {
    numberOfKeys: 2,
    lua: clock + `
      local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
      local isHeld = ARGV[3] == '1' or (lease and tonumber(lease) >= now)
      if isHeld then redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1]) end
      redis.call('SET', KEYS[2], ARGV[4], 'NX')
      local answer = { isHeld and 1 or 0, string.format('%.0f', now), redis.call('GET', KEYS[2]) }
      for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now))) do answer[#answer + 1] = dead end
      return answer
    `
  }
} as const

export type ScriptName = keyof typeof scripts

/** The scripts as one Redis runs them, or the shards of a cluster. */
export function scriptsFor (publish: 'PUBLISH' | 'SPUBLISH'): Record<ScriptName, Script> {
  return Object.fromEntries(Object.entries(scripts).map(([name, { numberOfKeys, lua }]) => [name, { numberOfKeys, lua: lua.replaceAll("'PUBLISH'", `'${publish}'`) }])) as Record<ScriptName, Script>
}
