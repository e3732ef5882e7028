import type { Timers } from '../../timing/timers.js'
import type { Attempts } from '../contract.js'
import { memoryAttempts } from '../local/attempts.js'
import { orIfDown, type RedisNode } from './node.js'
import { beginAttempt, failAttempt, holdAttempts, succeedAttempt } from './scripts/attempts.js'

/** Attempts over all nodes, or on this node only while Redis is down. */
export function redisAttempts (node: RedisNode, timers: Timers): Attempts & { readonly size: number } {
  const here = memoryAttempts(timers)
  return {
    async begin (key, limit) {
      if (!node.isUp) return here.begin(key, limit)
      try {
        return await beginAttempt(node.run, key, limit)
      } catch (error) {
        return orIfDown(error, false) || here.begin(key, limit)
      }
    },

    async succeed (key) {
      here.succeed(key)
      if (!node.isUp) return
      try {
        await succeedAttempt(node.run, key)
      } catch (error) {
        orIfDown(error, undefined)
      }
    },

    async fail (key, limit) {
      // Failures count here as well, in case Redis goes down.
      const isBarredHere = here.fail(key, limit)
      if (!node.isUp) return isBarredHere
      try {
        return await failAttempt(node.run, key, limit)
      } catch (error) {
        return orIfDown(error, isBarredHere)
      }
    },

    async hold (key, change) {
      const count = here.hold(key, change)
      if (!node.isUp) return
      try {
        await holdAttempts(node.run, key, { node: node.name, count })
      } catch (error) {
        orIfDown(error, undefined)
      }
    },

    get size () { return here.size }
  }
}
