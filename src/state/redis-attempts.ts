import type { Timers } from '../timers.js'
import type { Attempts } from './contract.js'
import { memoryAttempts } from './memory-attempts.js'
import { type RedisNode, whenDown } from './redis-node.js'

/** Counts over all nodes, and without Redis on this one. */
export function redisAttempts (node: RedisNode, timers: Timers): Attempts & { size: () => number } {
  const here = memoryAttempts(timers)
  const keyOf = (key: string) => `{sb:0}:attempts:${key}`
  return {
    async add (key, windowMs) {
      const count = await here.add(key, windowMs)
      try {
        return Number(await node.run('attempt', [keyOf(key)], windowMs))
      } catch (error) {
        return whenDown(error, count)
      }
    },
    async count (key) {
      const count = await here.count(key)
      if (!node.isUp) return count
      try {
        return Number(await node.link.command(async (client) => await client.get(keyOf(key))) ?? 0)
      } catch (error) {
        return whenDown(error, count)
      }
    },
    size: here.size
  }
}
