import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../../bench/figures.js'
import { Conversation } from '../../bench/siege/conversation.js'
import { enter } from '../../bench/siege/honest-client.js'
import type { Signal } from '../../bench/siege/honest-dialects.js'
import type { DefaultDialectName } from '../../src/settings.js'
import { clients } from '../../src/testing/clients.js'

/** The honest pair of `neighbour.ts`, in a process of its own. Every IPC message is a task, and its result is sent back. */
export type Task =
  | { task: 'connect', dialect: DefaultDialectName, clients: readonly [Whence, Whence], perSecond: number }
  | { task: 'measure', ms: number }

export interface Whence {
  /** `ws://` and host and port. */
  url: string
  id: string
  address: string
  token?: string
}

export interface Measured {
  sent: number
  /** How many of them arrived, once and in order. */
  delivered: number
  /** From sending to receiving, in ms. */
  p50: number
  p99: number
  max: number
  /** Counts by what went wrong: `closed with 4100`, an error frame, a signal twice or out of order. */
  troubles: Record<string, number>
}

export type Answer = Measured | { connected: true } | { error: string }

/** How long signals may still take to arrive when the time is over. In ms. */
const settleMs = 10_000

let pair: Conversation
let everyMs = 0
/** The number of the first signal of a measurement. */
let firstOfAll = 0
let received = 0
let latencies: number[] = []
let troubles: Record<string, number> = {}

function trouble (what: string): void {
  troubles[what] = (troubles[what] ?? 0) + 1
}

function receive (signal: Signal): void {
  // Its own measurement has counted it as lost.
  if (signal.n < firstOfAll) return trouble('a signal after its time')
  received++
  latencies.push(performance.now() - signal.at)
}

async function connect (name: DefaultDialectName, entries: readonly [Whence, Whence], perSecond: number): Promise<void> {
  const dialect = clients[name]
  everyMs = 1000 / perSecond
  const first = await enter({ dialect, ...entries[0] })
  const second = await enter({ dialect, ...entries[1], place: first.place })
  pair = new Conversation(dialect, [first, second], { onSignal: receive, onTrouble: trouble })
}

async function measure (ms: number): Promise<Measured> {
  latencies = []
  troubles = {}
  received = 0
  firstOfAll = pair.sent
  const startedAt = performance.now()
  // Signals are sent when due, whether or not earlier ones have arrived: a server that stands still delays them all.
  for (let passed = 0; passed < ms; passed = performance.now() - startedAt) {
    for (const due = firstOfAll + passed / everyMs; pair.sent < due;) pair.send()
    await delay(1)
  }
  const sent = pair.sent - firstOfAll
  const deadline = performance.now() + settleMs
  const mayComplete = () => received < sent && pair.clients.every(({ socket }) => socket.readyState === socket.OPEN)
  while (mayComplete() && performance.now() < deadline) await delay(5)
  const sorted = Float64Array.from(latencies).sort()
  return { sent, delivered: received, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) ?? NaN, troubles }
}

async function perform (task: Task): Promise<Answer> {
  try {
    if (task.task === 'measure') return await measure(task.ms)
    await connect(task.dialect, task.clients, task.perSecond)
    return { connected: true }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

process.on('message', (task: Task) => { perform(task).then((answer) => process.send?.(answer), (error: unknown) => { throw error }) })
process.on('disconnect', () => process.exit())
