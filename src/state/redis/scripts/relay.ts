import type { SendOutcome } from '../../contract.js'
import type { RoomKeys } from '../keys.js'
import { type Run, script } from './script.js'

/**
 * Looks peers up and publishes their letters to their nodes, in one message for each node.
 *
 * KEYS members of one of the rooms
 * ARGV letters, members of a room without its name, node channel prefix
 * Answers {number of a letter that was not sent, absent or failed (its node does not listen), ...}
 */
export const sendScript = script('send', 1, `
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
`)

/** The outcomes of letters that were not sent, by their number. @throws RedisDown */
export async function send (run: Run, keys: RoomKeys, letters: Buffer): Promise<Map<number, SendOutcome>> {
  const answer = await run(sendScript, [keys.members], letters, keys.membersPrefix, keys.nodePrefix) as Array<number | Buffer>
  return new Map(Array.from({ length: answer.length / 2 }, (_, at) => [Number(answer[2 * at]), String(answer[2 * at + 1]) as SendOutcome]))
}

/**
 * Publishes a message to the nodes of a room, and keeps an opened room open.
 *
 * KEYS members, opened
 * ARGV room channel, message
 * Answers how many members the room has
 */
export const broadcastScript = script('broadcast', 2, `
  redis.call('PUBLISH', ARGV[1], ARGV[2])
  local opened = redis.call('GET', KEYS[2])
  if opened then redis.call('PEXPIRE', KEYS[2], idleMs(opened)) end
  return redis.call('HLEN', KEYS[1])
`)

/** The number of members that the room has. @throws RedisDown */
export async function broadcast (run: Run, keys: RoomKeys, message: Buffer | string): Promise<number> {
  return Number(await run(broadcastScript, [keys.members, keys.opened], keys.channel, message))
}
