import { setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { pinLoad } from '../servers.js'
import { newcomerEveryMs, soonOf } from './honest-dialects.js'
import { intrude } from './intruder.js'
import { tokensOf } from './keys.js'
import { randomFrom } from './random.js'
import { scheduleOf } from './schedule.js'

/** The orders for the attackers, which run in a process of their own. They come in one message, and the outcome goes back. */
export interface Orders {
  url: string
  privateKey: string
  seed: number
  seconds: number
  /** Names of the attacks to run; by default all. */
  only?: string[]
  /** Honest clients that attacks target: a drone on a slow line, its partner, and the number of newcomers so far. */
  honest: { slow: string, partner: string, arrived: number }
}

/** Counts by attack and outcome. */
export type Outcomes = Record<string, Record<string, number>>

export interface Attacked {
  outcomes: Outcomes
  /** Outcomes that fail the siege. */
  harms: Outcomes
  /** Bytes that the attackers have received. */
  read: number
}

async function attack ({ url, privateKey, seed, seconds, only, honest }: Orders): Promise<Attacked> {
  const tokenFor = tokensOf(privateKey)
  const port = Number(new URL(url).port)
  const startedAt = performance.now()
  const passed = () => performance.now() - startedAt
  const left = () => Math.max(0, seconds * 1000 - passed())
  const outcomes: Outcomes = {}
  const harms: Outcomes = {}
  let read = 0
  const soon = () => soonOf(honest.arrived + passed() / newcomerEveryMs)
  const running: Array<Promise<void>> = []
  for (const [n, { attack, at, address, seed: own }] of scheduleOf(seed, seconds).entries()) {
    if (only !== undefined && !only.includes(attack.name)) continue
    if (at > passed()) await delay(at - passed())
    const count = (counts: Outcomes, outcome: string, times = 1) => {
      const of = counts[attack.name] ??= {}
      of[outcome] = (of[outcome] ?? 0) + times
    }
    running.push(attack.run({
      random: randomFrom(own),
      id: `intruder${n}`,
      honest: { ...honest, soon },
      intrude (firstWords, manners) {
        const intruder = intrude({ port, address }, firstWords, manners)
        intruder.socket.on('close', () => { read += intruder.socket.bytesRead })
        return intruder
      },
      tokenFor,
      left,
      saw: (outcome, times) => count(outcomes, outcome, times),
      harmed: (outcome, times) => count(harms, outcome, times)
    }).catch((error: unknown) => count(outcomes, `failed: ${String(error)}`)))
  }
  await Promise.all(running)
  return { outcomes, harms, read }
}

// The honest clients have priority, so that their figures show the server and not the load.
setPriority(10)
await pinLoad()
process.on('message', (orders: Orders) => {
  attack(orders).then((attacked) => process.send?.(attacked), (error: unknown) => { throw error })
})
process.on('disconnect', () => process.exit())
