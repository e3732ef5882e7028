import type { SendOutcome } from '../../contract.js'
import type { RoomKeys } from '../keys.js'
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
  if isFull(of[1], of[2], 8) or (batch and isFull(batch.count, batch.bytes, 10)) or isFull(0, 0, 10)
    or (origin ~= '' and isFull(of[3], of[4], 12)) then return { 'full' } end
  if not batch then
    batch = { name = ARGV[7], expiresAt = string.format('%.0f', now + ARGV[6]), count = 0, bytes = 0, origin = origin }
    redis.call('ZADD', ends, batch.expiresAt, from)
  end
  redis.call('RPUSH', mail, table.concat({ from, batch.name, batch.expiresAt, ARGV[5] }, '\\n'))
  local value = table.concat({ batch.name, batch.expiresAt, batch.count + 1, batch.bytes + size, origin }, '\\n')
  redis.call('HSET', book, 'batch ' .. from, value)
  count(book, 1, size, origin)
  for _, key in ipairs({ mail, book, ends }) do redis.call('PEXPIRE', key, ARGV[6] + 60000) end
  return { 'kept', batch.name }
`)

interface Share {
  readonly messages: number
  readonly bytes: number
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
  /** What a mailbox may hold in all, of one sender and of one origin. */
  readonly limits: { readonly all: Share, readonly sender: Share, readonly origin: Share }
  readonly origin: string | undefined
}

export type SendOrKeepAnswer = { readonly outcome: SendOutcome | 'full' } | { readonly outcome: 'kept', readonly batch: string }

/** @throws RedisDown */
export async function sendOrKeep (run: Run, keys: RoomKeys, step: SendOrKeepArguments): Promise<SendOrKeepAnswer> {
  const { to, from, message, frame, keepMs, newBatch, limits: { all, sender, origin: ofOrigin }, origin = '' } = step
  const answer = await run(sendOrKeepScript, [keys.members, keys.mail(to)], to, message, keys.nodePrefix, from, frame, keepMs, newBatch,
    all.messages, all.bytes, sender.messages, sender.bytes, ofOrigin.messages, ofOrigin.bytes, origin) as Buffer[]
  const [outcome, batch] = answer.map(String) as [SendOrKeepAnswer['outcome'], string]
  return outcome === 'kept' ? { outcome, batch } : { outcome }
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
