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
local function idleMs (lifetime) return string.match(lifetime, '^%d+') end
local function emptyMs (lifetime) return string.match(lifetime, '^%d+\\n(%d+)') end
local function tell (channel, event)
  if channel ~= '' then redis.call('PUBLISH', channel, cjson.encode(event)) end
end
local function endSession (base, name)
  local peers = redis.call('GET', base .. ':is:' .. name)
  if not peers then return end
  redis.call('DEL', base .. ':is:' .. name)
  if redis.call('GET', base .. ':last:' .. peers) == name then redis.call('DEL', base .. ':last:' .. peers) end
  for peer in string.gmatch(peers, '[^\\n]+') do redis.call('SREM', base .. ':of:' .. peer, name) end
end
local function endSessions (base, id)
  for _, name in ipairs(redis.call('SMEMBERS', base .. ':of:' .. id)) do endSession(base, name) end
  redis.call('DEL', base .. ':of:' .. id)
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
    local answer, batches = { 'joined', '' }, {}
    for _, letter in ipairs(redis.pcall('LRANGE', KEYS[3], 0, -1)) do
      local batch, expiresAt, frame = string.match(letter, '^[^\\n]*\\n([^\\n]*)\\n(%d+)\\n(.*)$')
      -- What has expired is left for the node that tells its sender.
      if batch and tonumber(expiresAt) > now then
        redis.call('LREM', KEYS[3], 1, letter)
        answer[#answer + 1] = frame
        if not batches[batch] then
          batches[batch] = true
          answer[2] = answer[2] .. batch .. ' '
          local keeper = string.match(batch, '^[^/]*')
          if keeper ~= node then redis.call('PUBLISH', ARGV[13] .. keeper, cjson.encode({ 'found', ARGV[14], id, batch })) end
        end
      end
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
   * Answers 1 or 0
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
      if opened then redis.call('PEXPIRE', KEYS[3], emptyMs(opened)) end
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
   * ARGV id, message, node channel prefix, sender, frame, most frames, most bytes, ms to keep, batch to begin
   * Answers {sent | failed | full} or {kept, batch}
   */
  sendOrKeep: script(2, `
    local held = redis.call('HGET', KEYS[1], ARGV[1])
    if held then
      if redis.call('PUBLISH', ARGV[3] .. split(held).node, ARGV[2]) == 0 then return { 'failed' } end
      return { 'sent' }
    end
    local letters = redis.call('LRANGE', KEYS[2], 0, -1)
    local count, bytes, batch, expiresAt = 0, #ARGV[5], nil, nil
    for _, letter in ipairs(letters) do
      local from, its, ends, frame = string.match(letter, '^([^\\n]*)\\n([^\\n]*)\\n(%d+)\\n(.*)$')
      if tonumber(ends) > now then
        count, bytes = count + 1, bytes + #frame
        if from == ARGV[4] then batch, expiresAt = its, ends end
      end
    end
    if count >= tonumber(ARGV[6]) or bytes > tonumber(ARGV[7]) then return { 'full' } end
    redis.call('RPUSH', KEYS[2], table.concat({ ARGV[4], batch or ARGV[9], expiresAt or string.format('%.0f', now + ARGV[8]), ARGV[5] }, '\\n'))
    redis.call('PEXPIRE', KEYS[2], ARGV[8] + 60000)
    return { 'kept', batch or ARGV[9] }
  `),

  /**
   * Throws a batch of mail away.
   *
   * KEYS mail
   * ARGV sender, batch
   * Answers how many frames it had
   */
  expireMail: script(1, `
    local letters = redis.call('LRANGE', KEYS[1], 0, -1)
    local prefix = ARGV[1] .. '\\n' .. ARGV[2] .. '\\n'
    local count = 0
    for _, letter in ipairs(letters) do
      if string.sub(letter, 1, #prefix) == prefix then
        count = count + 1
        redis.call('LREM', KEYS[1], 1, letter)
      end
    end
    return count
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
   * Opens a room.
   *
   * KEYS members, opened
   * ARGV lifetime as 'idleMs LF emptyMs LF name of its own', ms until it goes if nobody joins
   * Answers 1, or 0 when the code is in use
   */
  open: script(2, `
    if redis.call('HLEN', KEYS[1]) > 0 then return 0 end
    return redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
  `),

  /**
   * Checks and resolves a session, sends, and binds or refreshes it. The frame is given in two halves around the session's
   * name, and once without a name.
   *
   * KEYS members
   * ARGV sender, id, session as JSON or '', begins 0|1, ms until it ends, header, frame before the session, frame after it,
   *      frame without one, node channel prefix or '' when the sender's node delivers it itself, sessions base
   * Answers {sent | absent | failed | foreign, session as JSON or ''}
   */
  sendInSession: script(1, `
    local from, to, name, base = ARGV[1], ARGV[2], ARGV[3], ARGV[11]
    local peers = from < to and (from .. '\\n' .. to) or (to .. '\\n' .. from)
    if name == '' then
      name = redis.call('GET', base .. ':last:' .. peers) or ''
    else
      local bound = redis.call('GET', base .. ':is:' .. name)
      if bound and bound ~= peers then return { 'foreign', '' } end
    end
    local held = redis.call('HGET', KEYS[1], to)
    if not held then return { 'absent', '' } end
    local frame = name == '' and ARGV[9] or (ARGV[7] .. name .. ARGV[8])
    if ARGV[10] ~= '' and redis.call('PUBLISH', ARGV[10] .. split(held).node, ARGV[6] .. frame) == 0 then return { 'failed', '' } end
    if ARGV[4] == '1' then
      redis.call('SET', base .. ':is:' .. name, peers, 'PX', ARGV[5])
      redis.call('SET', base .. ':last:' .. peers, name, 'PX', ARGV[5])
      for _, peer in ipairs({ from, to }) do
        local of = base .. ':of:' .. peer
        if redis.call('SADD', of, name) == 1 and redis.call('SCARD', of) > 64 then
          local old = redis.call('SRANDMEMBER', of)
          if old ~= name then
            redis.call('SREM', of, old)
            endSession(base, old)
          end
        end
        redis.call('PEXPIRE', of, ARGV[5])
      end
    elseif name ~= '' then
      redis.call('PEXPIRE', base .. ':is:' .. name, ARGV[5])
      redis.call('PEXPIRE', base .. ':last:' .. peers, ARGV[5])
      redis.call('PEXPIRE', base .. ':of:' .. from, ARGV[5])
      redis.call('PEXPIRE', base .. ':of:' .. to, ARGV[5])
    end
    return { 'sent', name }
  `),

  /**
   * Ends a session.
   *
   * KEYS members
   * ARGV session as JSON, sessions base
   */
  endSession: script(1, `
    endSession(ARGV[2], ARGV[1])
  `),

  /**
   * Counts in a window that begins with the first.
   *
   * KEYS counter
   * ARGV ms of the window
   * Answers the count
   */
  attempt: script(1, `
    local count = redis.call('INCR', KEYS[1])
    if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
    return count
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
