import type { SendOutcome } from '../../contract.js'
import type { RoomKeys } from '../keys.js'
import { type Run, script } from './script.js'

/**
 * Looks peers up and publishes their letters to their nodes, in one message for each node. Frames for who is away are kept, and those for
 * a peer with a grace whose node does not listen.
 *
 * KEYS members of one of the rooms
 * ARGV letters, members of a room without its name, node channel prefix, how frames are kept (see keepForAway)
 * Answers {number of a letter that was not sent, what became of it, ...}: absent, failed (its node does not listen), away (it is no
 *      frame), full, or the name of the batch in which it is kept
 */
export const sendScript = script('send', 1, `
  local letters, members, prefix, keeping, answer = ARGV[1], ARGV[2], ARGV[3], ARGV[4], {}
  local function tell (letter, outcome)
    answer[#answer + 1] = letter
    answer[#answer + 1] = outcome
  end
  -- What becomes of a letter whose receiver no node has a connection of. How it is held may be anything.
  local function outcomeFor (letter, at, held, otherwise)
    local member = type(held) == 'string' and split(held)
    if not member or member.graceMs == 0 then return otherwise end
    local kind, room, id, from, type, bytes, start = string.match(letters, '^(%a+) (%d+) (%d+) (%d+) (%d+) (%d+)\\n()', at)
    if kind ~= 'frame' then return member.node == '' and 'away' or otherwise end
    local idAt = start + room + 1
    local fromAt = idAt + id + 1
    local frameAt = fromAt + from + type + 2
    return keepForAway(members .. string.sub(letters, start, idAt - 2), string.sub(letters, idAt, fromAt - 2), member.graceMs,
      string.sub(letters, fromAt, fromAt + from - 1), string.sub(letters, frameAt, frameAt + bytes - 1),
      (string.gsub(keeping, '^%S+', '%0-' .. letter))) or 'full'
  end
  -- Letters for one node that follow each other are cut out as one: cutting and joining 40 of 1.5 KB takes 0.007 ms a letter.
  local at, number, nodeOf, startOf, batches = 1, 0, {}, {}, {}
  while at <= #letters do
    local room, id, from, type, bytes, start = string.match(letters, '^%a+ (%d+) (%d+) (%d+) (%d+) (%d+)\\n()', at)
    local idAt = start + room + 1
    local next = idAt + id + from + type + bytes + 3
    -- One room that cannot be read must not hold up what is for others.
    local held = redis.pcall('HGET', members .. string.sub(letters, start, idAt - 2), string.sub(letters, idAt, idAt + id - 1))
    local node = held and not held.err and string.match(held, '^[^\\n]*')
    nodeOf[number] = node
    startOf[number] = at
    if node == '' then
      tell(number, outcomeFor(number, at, held, 'absent'))
    elseif node then
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
  for letter = 0, number - 1 do
    local node = nodeOf[letter]
    if not node then
      tell(letter, 'absent')
    elseif heard[node] == 0 then
      local from = startOf[letter]
      local room, id, start = string.match(letters, '^%a+ (%d+) (%d+) %d+ %d+ %d+\\n()', from)
      local idAt = start + room + 1
      local held = redis.call('HGET', members .. string.sub(letters, start, idAt - 2), string.sub(letters, idAt, idAt + id - 1))
      tell(letter, outcomeFor(letter, from, held, 'failed'))
    end
  end
  return answer
`)

/** What became of a letter. `away`: its receiver, and the letter is none that waits. `full`: it could not be kept for its receiver. */
export type LetterOutcome = SendOutcome | 'away' | 'full' | Kept

/** It waits for its receiver in this batch. */
export interface Kept {
  readonly batch: string
}

/** The ms of grace of who a batch waits for, which its name ends with. */
export function graceOfBatch (name: string): number {
  return Number(/\/(\d+)$/.exec(name)?.[1] ?? 0)
}

/** Who is away, and has a frame in this batch. */
export interface KeptFor extends Kept {
  readonly id: string
}

const outcomes: readonly LetterOutcome[] = ['sent', 'absent', 'failed', 'away', 'full']

function outcomeOf (text: string): LetterOutcome {
  return outcomes.find((outcome) => outcome === text) ?? { batch: text }
}

/** The outcomes of letters that were not sent, by their number. @throws RedisDown */
export async function send (run: Run, keys: RoomKeys, letters: Buffer, keeping: string): Promise<Map<number, LetterOutcome>> {
  const answer = await run(sendScript, [keys.members], letters, keys.membersPrefix, keys.nodePrefix, keeping) as Array<number | Buffer>
  const pairs = Array.from({ length: answer.length / 2 }, (_, at) => [answer[2 * at], answer[2 * at + 1]])
  return new Map(pairs.map(([number, outcome]) => [Number(number), outcomeOf(String(outcome))]))
}

/**
 * Publishes a message to the nodes of a room, and keeps an opened room open. A signal is kept for those who are away.
 *
 * KEYS members, opened
 * ARGV room channel, message, length of the frame with which it ends, who is left out, sender, how frames are kept or '' for no signal
 * Answers {how many members the room has, an id for which it is kept, its batch, ...}
 */
export const broadcastScript = script('broadcast', 2, `
  local message = ARGV[2]
  redis.call('PUBLISH', ARGV[1], message)
  local opened = redis.call('GET', KEYS[2])
  if opened then redis.call('PEXPIRE', KEYS[2], idleMs(opened)) end
  local answer = { redis.call('HLEN', KEYS[1]) }
  if ARGV[6] ~= '' then
    keepForAllAway(KEYS[1], ARGV[4], ARGV[5], string.sub(message, #message - ARGV[3] + 1), ARGV[6], answer)
  end
  return answer
`)

export interface BroadcastArguments {
  /** Ends with the frame. */
  readonly message: Buffer
  readonly frameBytes: number
  readonly except: string | undefined
  readonly from: string | undefined
  /** See `keepForAway` in script.ts. Empty for what is no signal. */
  readonly keeping: string
}

export interface BroadcastAnswer {
  /** How many members the room has. */
  readonly members: number
  /** For whom it waits, since they are away. */
  readonly kept: readonly KeptFor[]
}

/** @throws RedisDown */
export async function broadcast (run: Run, keys: RoomKeys, step: BroadcastArguments): Promise<BroadcastAnswer> {
  const { message, frameBytes, except = '', from = '', keeping } = step
  const answer = await run(broadcastScript, [keys.members, keys.opened], keys.channel, message, frameBytes, except, from, keeping)
  const [members, ...kept] = answer as [number, ...Buffer[]]
  return { members, kept: keptForEach(kept) }
}

/** Reads for whom a signal for all is kept. */
export function keptForEach (fields: readonly Buffer[]): KeptFor[] {
  return Array.from({ length: fields.length / 2 }, (_, at) => ({ id: String(fields[2 * at]), batch: String(fields[2 * at + 1]) }))
}
