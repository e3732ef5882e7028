/**
 * The steps in Redis that must be atomic, as Lua, with a function beside each that knows its keys, arguments and answer. A member of
 * a room is a field of one hash: its id, and the value `node LF registrationId LF owner LF joinedAt LF place LF seenAt LF graceMs LF as
 * LF presence LF info`. The registrationId names one registration, and stays the same when its node takes a new name. The place is the
 * joinedAt of the first registration of the id that was taken over without a leave. Who is away has no node: for graceMs its place is
 * kept for who comes back as the same. The presence is the registrationId of the one that others were told of. Owner, as and info are
 * JSON, so no part can hold a line feed. A value of any other form counts as absent. messages.ts describes the messages; all parts of an
 * event are text.
 *
 * Every script touches keys of one slot only. On a cluster, SPUBLISH takes the place of PUBLISH.
 */

const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/**
 * The last argument of every script is the time from which it is void, in ms by the clock of Redis. By then its node has told its
 * client that it failed, or has lost its lease and been reaped. A socket that was held up may deliver it late.
 */
const fence = `
if tonumber(ARGV[#ARGV]) < now then return redis.error_reply('LATE the node does not wait for this any more') end
`

const helpers = `
local function split (value)
  local node, registrationId, owner, joinedAt, place, seenAt, graceMs, as, presence, info = string.match(value,
    '^([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n(%d[%d.]*)\\n(%d[%d.]*)\\n([^\\n]*)\\n(%d+)\\n([^\\n]*)\\n([^\\n]*)\\n(.*)$')
  return node and {
    node = node, registrationId = registrationId, owner = owner, joinedAt = joinedAt, place = place, seenAt = seenAt,
    graceMs = tonumber(graceMs), as = as, presence = presence, info = info
  }
end
local function valueOf (member)
  return table.concat({
    member.node, member.registrationId, member.owner, member.joinedAt, member.place, member.seenAt,
    string.format('%.0f', member.graceMs), member.as, member.presence, member.info
  }, '\\n')
end
-- Of whoever holds an id and whoever takes it over, the earlier place. As text, which keeps all digits.
local function earlierPlace (holder, place)
  return holder and tonumber(holder.place) < tonumber(place) and holder.place or place
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
  if redis.call('HINCRBY', book, 'count of ' .. origin, letters) == 0 then
    return redis.call('HDEL', book, 'count of ' .. origin, 'bytes of ' .. origin)
  end
  redis.call('HINCRBY', book, 'bytes of ' .. origin, bytes)
end
local function batchOf (mail, sender)
  local value = redis.pcall('HGET', bookOf(mail), 'batch ' .. sender)
  if type(value) ~= 'string' then return end
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
local function tellKeeper (batch, id, room, node, nodePrefix)
  local keeper = string.match(batch, '^[^/]*')
  if keeper ~= node then redis.call('PUBLISH', nodePrefix .. keeper, cjson.encode({ 'found', room, id, batch })) end
end
-- Answers the name of the batch that the frame is in, or nothing when a limit is reached: the most frames and bytes of the mailbox, of
-- one sender and of one origin. With '' for the ms to keep it does not expire.
local function keep (mail, from, frame, ms, newBatch, limits, origin)
  local book, ends, size = bookOf(mail), endsOf(mail), #frame
  for _, sender in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now)) do closeBatch(mail, sender) end
  local batch = batchOf(mail, from)
  if batch then origin = batch.origin end
  local function isFull (count, bytes, most)
    return tonumber(count or 0) >= tonumber(limits[most]) or tonumber(bytes or 0) + size > tonumber(limits[most + 1])
  end
  local of = redis.call('HMGET', book, 'count', 'bytes', 'count of ' .. origin, 'bytes of ' .. origin)
  if isFull(of[1], of[2], 1) or (batch and isFull(batch.count, batch.bytes, 3)) or isFull(0, 0, 3)
    or (origin ~= '' and isFull(of[3], of[4], 5)) then return end
  if not batch then
    local expiresAt = ms == '' and '9007199254740991' or string.format('%.0f', now + ms)
    batch = { name = newBatch, expiresAt = expiresAt, count = 0, bytes = 0 }
    redis.call('ZADD', ends, expiresAt, from)
  end
  redis.call('RPUSH', mail, table.concat({ from, batch.name, batch.expiresAt, frame }, '\\n'))
  local value = table.concat({ batch.name, batch.expiresAt, batch.count + 1, batch.bytes + size, origin }, '\\n')
  redis.call('HSET', book, 'batch ' .. from, value)
  count(book, 1, size, origin)
  if ms ~= '' then for _, key in ipairs({ mail, book, ends }) do redis.call('PEXPIRE', key, ms + 60000) end end
  return batch.name
end
-- Adds the frames in a mailbox to an answer, and the names of their batches, each with a space behind, to its second entry.
local function take (mail, id, room, node, nodePrefix, answer)
  local batches, left, count = {}, {}, #answer
  for _, letter in ipairs(redis.pcall('LRANGE', mail, 0, -1)) do
    local batch, expiresAt, frame = string.match(letter, '^[^\\n]*\\n([^\\n]*)\\n(%d+)\\n(.*)$')
    if batch and tonumber(expiresAt) > now then
      answer[#answer + 1] = frame
      if not batches[batch] then
        batches[batch] = true
        answer[2] = answer[2] .. batch .. ' '
        tellKeeper(batch, id, room, node, nodePrefix)
      end
    else
      -- What has expired is left for the node that tells its sender.
      left[#left + 1] = letter
    end
  end
  if #answer > count then
    leaveIn(mail, left)
    redis.call('DEL', bookOf(mail), endsOf(mail))
  end
end
-- What a room keeps for the first who joins is of one sender, who is alone in the room.
local function dropKept (mail, sender, room, node, nodePrefix)
  local batch = batchOf(mail, sender)
  if not batch then return end
  redis.call('DEL', mail, bookOf(mail), endsOf(mail))
  tellKeeper(batch.name, sender, room, node, nodePrefix)
end
-- Who is away, by the key of the members: in <tag>:away all of a slot by when they leave, and in <tag>:away:<room> the ids of one room.
local function tagAndRoom (members) return string.match(members, '^(.-):members:(.*)$') end
local function awayEntry (room, id, member) return table.concat({ room, id, member.registrationId }, '\\n') end
local function goAway (members, id, member)
  local tag, room = tagAndRoom(members)
  member.node = ''
  redis.call('HSET', members, id, valueOf(member))
  redis.call('ZADD', tag .. ':away', string.format('%.0f', now + member.graceMs), awayEntry(room, id, member))
  redis.call('SADD', tag .. ':away:' .. room, id)
end
local function comeBack (members, id, member)
  if member.node ~= '' then return end
  local tag, room = tagAndRoom(members)
  redis.call('ZREM', tag .. ':away', awayEntry(room, id, member))
  redis.call('SREM', tag .. ':away:' .. room, id)
end
-- Keeps a frame for who is away, a minute longer than its grace, which ends with the mail. What is given is 'batch to begin, most frames,
-- most bytes, and the same of one sender, and of one origin', or '' when nothing may be kept. Answers as keep does. The name of a batch
-- ends with the grace.
local function keepForAway (members, id, graceMs, from, frame, given)
  if given == '' then return end
  local tag, room = tagAndRoom(members)
  local words = {}
  for word in string.gmatch(given, '%S+') do words[#words + 1] = word end
  return keep(tag .. ':mail:' .. room .. '\\n' .. id, from, frame, graceMs + 60000, string.format('%s/%.0f', words[1], graceMs),
    { unpack(words, 2, 7) }, '')
end
-- Throws away the mail of who has not come back, and tells its senders. For a node that does not listen, a note of the batch stays for a
-- minute: it looks for that when it comes back.
local function discardMail (members, id, nodePrefix)
  local tag, room = tagAndRoom(members)
  local mail, told = tag .. ':mail:' .. room .. '\\n' .. id, {}
  for _, letter in ipairs(redis.pcall('LRANGE', mail, 0, -1)) do
    local sender, batch = string.match(letter, '^([^\\n]*)\\n([^\\n]*)\\n')
    if batch and not told[batch] then
      told[batch] = true
      tellKeeper(batch, id, room, '', nodePrefix)
      local held = redis.call('HGET', members, sender)
      -- A sender that is away itself may only seem so: its node, which kept the mail, stands still.
      local node = held and (string.match(held, '^[^\\n]+') or string.match(batch, '^[^/]*'))
      local lost = { 'lost ' .. #room, #sender, #id, #'expired', '-\\n' .. room .. '\\n' .. sender .. '\\n' .. id .. '\\nexpired\\n' }
      if node and redis.call('PUBLISH', nodePrefix .. node, table.concat(lost, ' ')) == 0 then
        redis.call('SET', tag .. ':untold:' .. batch, '1', 'PX', 60000)
      end
    end
  end
  redis.call('DEL', mail, bookOf(mail), endsOf(mail))
end
-- Keeps a signal for those of a room who are away, but for one. Adds each of them to an answer, and the name of its batch.
local function keepForAllAway (members, except, from, frame, given, answer)
  local tag, room = tagAndRoom(members)
  for at, id in ipairs(redis.call('SMEMBERS', tag .. ':away:' .. room)) do
    local held = id ~= except and redis.call('HGET', members, id)
    local member = held and split(held)
    local batch = member and keepForAway(members, id, member.graceMs, from, frame, (string.gsub(given, '^%S+', '%0-' .. at)))
    if batch then
      answer[#answer + 1] = id
      answer[#answer + 1] = batch
    end
  end
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

export interface Script {
  readonly name: string
  readonly numberOfKeys: number
  readonly lua: string
}

export type Argument = string | Buffer | number

/** Runs a script, and adds the time from which it is void as its last argument. */
export type Run = (script: Script, keys: string[], ...args: Argument[]) => Promise<unknown>

export function script (name: string, numberOfKeys: number, lua: string): Script {
  return { name, numberOfKeys, lua: clock + fence + helpers + lua }
}

/** A script that is never void, and has no helpers. */
export function unfencedScript (name: string, numberOfKeys: number, lua: string): Script {
  return { name, numberOfKeys, lua: clock + lua }
}
