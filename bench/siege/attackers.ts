import { setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { pinLoad } from '../servers.js'
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
}

/** How often each kind of attempt ended how. */
export type Outcomes = Record<string, Record<string, number>>

async function attack ({ url, privateKey, seed, seconds, only }: Orders): Promise<Outcomes> {
  const tokenFor = tokensOf(privateKey)
  const port = Number(new URL(url).port)
  const startedAt = performance.now()
  const passed = () => performance.now() - startedAt
  const left = () => Math.max(0, seconds * 1000 - passed())
  const outcomes: Outcomes = {}
  const running: Array<Promise<void>> = []
  for (const [n, { attack, at, address, seed: own }] of scheduleOf(seed, seconds).entries()) {
    if (only !== undefined && !only.includes(attack.name)) continue
    if (at > passed()) await delay(at - passed())
    const tally = outcomes[attack.name] ??= {}
    const saw = (outcome: string, times = 1) => { tally[outcome] = (tally[outcome] ?? 0) + times }
    running.push(attack.run({ approach: { port, address }, random: randomFrom(own), id: `intruder${n}`, tokenFor, left, saw }).catch((error: unknown) => saw(`failed: ${String(error)}`)))
  }
  await Promise.all(running)
  return outcomes
}

// The honest clients come first, so that what they measure is the server.
setPriority(10)
await pinLoad()
process.on('message', (orders: Orders) => {
  attack(orders).then((outcomes) => process.send?.(outcomes), (error: unknown) => { throw error })
})
process.on('disconnect', () => process.exit())
