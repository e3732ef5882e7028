import type { SendOutcome } from '../../contract.js'
import { anybody } from '../../local/room-mail.js'
import type { RoomKeys } from '../keys.js'
import { type KeptFor, keptForEach } from './relay.js'
import { type Run, script } from './script.js'

/**
 * Hands a peer's node a frame, or keeps the frame when the peer is absent. Frames of one sender for one receiver are a batch, which
 * expires as a whole. The list outlives its batches by a minute: a busy node may be late to take them out and tell their sender, and
 * takes letters that are gone by then for found.
 *
 * KEYS members, mail
 * ARGV id, message, node channel prefix, sender, frame, ms to keep, batch to begin,
 *      most frames, most bytes, and the same of one sender, and of one origin, then the sender's origin or ''
 * Answers {sent | failed | full} or {kept, batch}
 */
export const sendOrKeepScript = script('sendOrKeep', 2, `
  local held = redis.call('HGET', KEYS[1], ARGV[1])
  local member = held and split(held)
  if member and member.node ~= '' then
    if redis.call('PUBLISH', ARGV[3] .. member.node, ARGV[2]) == 0 then return { 'failed' } end
    return { 'sent' }
  end
  local batch = keep(KEYS[2], ARGV[4], ARGV[5], ARGV[6], ARGV[7], { unpack(ARGV, 8, 13) }, ARGV[14])
  return batch and { 'kept', batch } or { 'full' }
`)

interface Share {
  readonly messages: number
  readonly bytes: number
}

/** What a mailbox may hold in all, of one sender and of one origin. */
export interface MailLimits {
  readonly all: Share
  readonly sender: Share
  readonly origin: Share
}

/** The limits as a script takes them. */
export function limitsOf ({ all, sender, origin }: MailLimits): number[] {
  return [all, sender, origin].flatMap(({ messages, bytes }) => [messages, bytes])
}

export interface SendOrKeepArguments {
  readonly to: string
  readonly from: string
  /** For the node of the receiver. */
  readonly message: Buffer | string
  /** For the mailbox. */
  readonly frame: Buffer | string
  readonly keepMs: number
  /** The name of the batch that begins if the sender has none. */
  readonly newBatch: string
  readonly limits: MailLimits
  readonly origin: string | undefined
}

export type SendOrKeepAnswer = { readonly outcome: SendOutcome | 'full' } | { readonly outcome: 'kept', readonly batch: string }

/** @throws RedisDown */
export async function sendOrKeep (run: Run, keys: RoomKeys, step: SendOrKeepArguments): Promise<SendOrKeepAnswer> {
  const { to, from, message, frame, keepMs, newBatch, limits, origin = '' } = step
  const answer = await run(sendOrKeepScript, [keys.members, keys.mail(to)], to, message, keys.nodePrefix, from, frame, keepMs, newBatch,
    ...limitsOf(limits), origin) as Buffer[]
  const [outcome, batch] = answer.map(String) as [SendOrKeepAnswer['outcome'], string]
  return outcome === 'kept' ? { outcome, batch } : { outcome }
}

/**
 * Publishes a signal to the nodes of a room, and keeps an opened room open. While its sender is alone in the room, the signal is kept for
 * the first who joins.
 *
 * KEYS members, opened, mail for anybody
 * ARGV room channel, message, sender, length of the frame with which the message ends, batch to begin or '' when it may not be kept,
 *      most frames, most bytes, and the same of one sender, and of one origin, then the sender's origin or '', how it is kept for those
 *      who are away
 * Answers {sent, other members, an id for which it is kept, its batch, ...} or {kept, batch} or {full}
 */
export const broadcastOrKeepScript = script('broadcastOrKeep', 3, `
  local message, from = ARGV[2], ARGV[3]
  local isMember = redis.call('HEXISTS', KEYS[1], from)
  local others = redis.call('HLEN', KEYS[1]) - isMember
  local opened = redis.call('GET', KEYS[2])
  if opened then redis.call('PEXPIRE', KEYS[2], idleMs(opened)) end
  if others > 0 then
    redis.call('PUBLISH', ARGV[1], message)
    local answer = { 'sent', tostring(others) }
    keepForAllAway(KEYS[1], from, from, string.sub(message, #message - ARGV[4] + 1), ARGV[13], answer)
    return answer
  end
  local batch = isMember == 1 and ARGV[5] ~= '' and
    keep(KEYS[3], from, string.sub(message, #message - ARGV[4] + 1), '', ARGV[5], { unpack(ARGV, 6, 11) }, ARGV[12])
  return batch and { 'kept', batch } or { 'full' }
`)

export interface BroadcastOrKeepArguments extends Pick<SendOrKeepArguments, 'from' | 'limits' | 'origin'> {
  /** For the nodes of the room. Ends with the frame. */
  readonly message: Buffer
  readonly frameBytes: number
  /** The name of the batch that begins if the sender has none. Undefined when the signal may not be kept. */
  readonly newBatch: string | undefined
  /** See `keepForAway` in script.ts. */
  readonly keeping: string
}

export type BroadcastOrKeepAnswer =
  | { readonly outcome: 'sent', readonly count: number, readonly kept: readonly KeptFor[] }
  | { readonly outcome: 'kept', readonly batch: string }
  | { readonly outcome: 'full' }

/** @throws RedisDown */
export async function broadcastOrKeep (run: Run, keys: RoomKeys, step: BroadcastOrKeepArguments): Promise<BroadcastOrKeepAnswer> {
  const { from, message, frameBytes, newBatch = '', limits, origin = '', keeping } = step
  const answer = await run(broadcastOrKeepScript, [keys.members, keys.opened, keys.mail(anybody)],
    keys.channel, message, from, frameBytes, newBatch, ...limitsOf(limits), origin, keeping) as Buffer[]
  const [outcome, rest = ''] = answer.map(String)
  if (outcome === 'sent') return { outcome, count: Number(rest), kept: keptForEach(answer.slice(2)) }
  return outcome === 'kept' ? { outcome, batch: rest } : { outcome: 'full' }
}

/**
 * Throws a batch of mail away.
 *
 * KEYS mail
 * ARGV sender, batch
 * Answers how many frames it had
 */
export const expireMailScript = script('expireMail', 1, `
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
`)

/** The number of frames that the batch had. @throws RedisDown */
export async function expireMail (run: Run, keys: RoomKeys, step: { to: string, from: string, batch: string }): Promise<number> {
  const { to, from, batch } = step
  return Number(await run(expireMailScript, [keys.mail(to)], from, batch))
}
