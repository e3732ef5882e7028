import { setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { pinLoad } from '../servers.js'
import { newcomerEveryMs, soonOf } from './honest-dialects.js'
import { intrude } from './intruder.js'
import { tokensOf } from './keys.js'
import { randomFrom } from './random.js'
import { scheduleOf } from './schedule.js'

/** The attackers, in a process of their own: it is told once what to do, and tells what came of it. */
export interface Orders {
  url: string
  privateKey: string
  seed: number
  seconds: number
  /** Only attacks of these names; all when absent. */
  only?: string[]
  /** Honest clients that attacks are aimed at: a drone on a slow line, its partner, and how many newcomers there were. */
  honest: { slow: string, partner: string, arrived: number }
}

/** How often each kind of attempt ended how. */
export type Outcomes = Record<string, Record<string, number>>

export interface Attacked {
  outcomes: Outcomes
  /** What must not come of an attack, and how often it did. */
  harms: Outcomes
  /** Bytes that the attackers have read. */
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

// The honest clients come first, so that what they measure is the server.
setPriority(10)
await pinLoad()
process.on('message', (orders: Orders) => {
  attack(orders).then((attacked) => process.send?.(attacked), (error: unknown) => { throw error })
})
process.on('disconnect', () => process.exit())
