import { generationKey, nodesKey } from '../keys.js'
import { type Run, unfencedScript } from './script.js'

/**
 * Renews a node's lease, and finds the nodes whose lease has run out. The first node to find no generation sets one. A changed
 * generation shows that Redis has lost its data.
 *
 * KEYS nodes, generation
 * ARGV node, ms of the lease, 1 to begin it, generation to set
 * Answers {1, or 0 when the lease was lost, ms by the clock of Redis as text, generation, dead nodes...}
 */
export const renewScript = unfencedScript('renew', 2, `
  local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
  local isHeld = ARGV[3] == '1' or (lease and tonumber(lease) >= now)
  if isHeld then redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1]) end
  redis.call('SET', KEYS[2], ARGV[4], 'NX')
  local answer = { isHeld and 1 or 0, string.format('%.0f', now), redis.call('GET', KEYS[2]) }
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now))) do answer[#answer + 1] = dead end
  return answer
`)

/**
 * Passes a message on to the caller, if Redis does for a node what a node needs: runs scripts, writes, publishes. A replica publishes,
 * but does not write. DEL is what a full Redis still does.
 *
 * KEYS channel
 * ARGV message
 */
export const probeScript = unfencedScript('probe', 1, `
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', KEYS[1], ARGV[1])
`)

export interface RenewArguments {
  readonly node: string
  readonly leaseMs: number
  readonly begins: boolean
  readonly newGeneration: string
}

/** `clock` is the time by Redis, in ms. `dead` are the nodes whose lease has run out. */
export interface RenewAnswer {
  readonly isHeld: boolean
  readonly clock: number
  readonly generation: string
  readonly dead: readonly string[]
}

/** @throws RedisDown */
export async function renew (run: Run, { node, leaseMs, begins, newGeneration }: RenewArguments): Promise<RenewAnswer> {
  const answer = await run(renewScript, [nodesKey, generationKey], node, leaseMs, begins ? 1 : 0, newGeneration) as Array<Buffer | number>
  const [isHeld, clock, generation, ...dead] = answer
  return { isHeld: isHeld === 1, clock: Number(clock), generation: String(generation), dead: dead.map(String) }
}
