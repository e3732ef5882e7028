import type { AttemptLimit } from '../../contract.js'
import { attemptsKeys } from '../keys.js'
import { type Run, script } from './script.js'

/** Helpers that these scripts share. Counts of a dead node do not matter. */
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

/**
 * Begins an attempt, unless one more may be too many.
 *
 * KEYS attempts, held, nodes
 * ARGV most failures, ms of the window
 * Answers 1 or 0
 */
export const beginAttemptScript = script('beginAttempt', 3, attempts + `
  local of = attemptsOf()
  if of.isBarred or of.underWay + of.failed > mayFail(ARGV[1]) then return 0 end
  redis.call('HINCRBY', KEYS[1], 'underWay', 1)
  if of.isNew then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 1
`)

/** Whether the attempt may go on. */
export async function beginAttempt (run: Run, key: string, { failures, windowMs }: AttemptLimit): Promise<boolean> {
  return await run(beginAttemptScript, attemptsKeys(key), failures, windowMs) === 1
}

/**
 * Takes an attempt out of the count.
 *
 * KEYS attempts, held, nodes
 */
export const succeedAttemptScript = script('succeedAttempt', 3, attempts + `
  local of = attemptsOf()
  if of.underWay > 0 then redis.call('HINCRBY', KEYS[1], 'underWay', -1) end
  if of.underWay <= 1 and of.failed == 0 and not of.isBarred then redis.call('DEL', KEYS[1]) end
`)

export async function succeedAttempt (run: Run, key: string): Promise<void> {
  await run(succeedAttemptScript, attemptsKeys(key))
}

/**
 * Counts an attempt as failed, and bars the key when it is one too many.
 *
 * KEYS attempts, held, nodes
 * ARGV most failures, ms of the window
 * Answers 1 when it is barred, or 0
 */
export const failAttemptScript = script('failAttempt', 3, attempts + `
  local of = attemptsOf()
  if of.underWay > 0 then redis.call('HINCRBY', KEYS[1], 'underWay', -1) end
  if of.isBarred then return 1 end
  redis.call('HINCRBY', KEYS[1], 'failed', 1)
  local isTooMany = of.failed + 1 > mayFail(ARGV[1])
  if isTooMany then redis.call('HSET', KEYS[1], 'isBarred', 1) end
  if isTooMany or of.isNew then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return isTooMany and 1 or 0
`)

/** Whether the key is barred now. */
export async function failAttempt (run: Run, key: string, { failures, windowMs }: AttemptLimit): Promise<boolean> {
  return await run(failAttemptScript, attemptsKeys(key), failures, windowMs) === 1
}

/**
 * Records how many of the key's resources a node holds. The record expires after a day without a change.
 *
 * KEYS attempts, held, nodes
 * ARGV node, count
 */
export const holdAttemptsScript = script('holdAttempts', 3, `
  if ARGV[2] == '0' then return redis.call('HDEL', KEYS[2], ARGV[1]) end
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  redis.call('EXPIRE', KEYS[2], 86400)
`)

export async function holdAttempts (run: Run, key: string, { node, count }: { node: string, count: number }): Promise<void> {
  await run(holdAttemptsScript, attemptsKeys(key), node, count)
}
