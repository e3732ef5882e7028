import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../../bench/figures.js'
import { enter, type HonestClient } from '../../bench/siege/honest-client.js'
import { honestDialects } from '../../bench/siege/honest-dialects.js'

/** The honest pair of `neighbour.ts`, in a process of its own. Every message that comes over IPC is a task, and its answer goes back. */
export type Task =
  | { task: 'connect', dialect: string, clients: readonly [Whence, Whence], perSecond: number }
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
  /** Of these, how many came, once and in order. */
  delivered: number
  /** From sending to receiving, in ms. */
  p50: number
  p99: number
  max: number
  /** What went wrong, and how often: `closed with 4100`, an error, a signal twice or out of order. */
  troubles: Record<string, number>
}

export type Answer = Measured | { connected: true } | { error: string }

const sdp = `v=0 ${'x'.repeat(1000)}`
/** Signals still on their way when the time is over may take so long. In ms. */
const settleMs = 10_000

let pair: readonly [HonestClient, HonestClient]
let dialect: typeof honestDialects[number]
let everyMs = 0
/** Numbers of signals: odd ones come from the second. */
let next = 0
let firstOfAll = 0
let received = 0
const last: [number, number] = [-1, -1]
let latencies: number[] = []
let troubles: Record<string, number> = {}

function trouble (what: string): void {
  troubles[what] = (troubles[what] ?? 0) + 1
}

function receive (from: string, data: Buffer): void {
  const isSignal = data.includes('v=0 x')
  const signal = isSignal ? dialect.read(JSON.parse(data.toString()) as Record<string, unknown>, from) : undefined
  if (signal === undefined) {
    if (!isSignal && data.length < 300 && /"type":"(error|EXPIRE|LEAVE)"/i.test(data.toString())) trouble(data.toString())
    return
  }
  const side = signal.n % 2
  if (signal.n <= (last[side] as number)) return trouble('a signal twice, or out of order')
  last[side] = signal.n
  // What comes after its measurement was lost to it.
  if (signal.n < firstOfAll) return trouble('a signal after its time')
  received++
  latencies.push(performance.now() - signal.at)
}

async function connect (name: string, clients: readonly [Whence, Whence], perSecond: number): Promise<void> {
  const found = honestDialects.find((dialect) => dialect.name === name)
  if (found === undefined) throw new Error(`nobody honest speaks ${name}`)
  dialect = found
  everyMs = 1000 / perSecond
  const { client: first, met } = await enter({ dialect, ...clients[0] })
  const { client: second } = await enter({ dialect, ...clients[1], met })
  pair = [first, second]
  for (const [client, partner] of [[first, second], [second, first]] as const) {
    client.onFrame = (data) => receive(partner.id, data)
    client.socket.on('close', (code) => trouble(`closed with ${code}`))
  }
}

function send (): void {
  const n = next++
  const [from, to] = n % 2 === 0 ? pair : [pair[1], pair[0]]
  // A socket that has closed sends nothing, and its signals count as lost.
  if (from.socket.readyState === from.socket.OPEN) from.say(dialect.write(from.id, to.id, { n, at: performance.now(), sdp }))
}

async function measure (ms: number): Promise<Measured> {
  latencies = []
  troubles = {}
  received = 0
  firstOfAll = next
  const startedAt = performance.now()
  // Sent when due, whether or not those before have come: a server that stands still delays them all.
  for (let passed = 0; passed < ms; passed = performance.now() - startedAt) {
    for (const due = firstOfAll + passed / everyMs; next < due;) send()
    await delay(1)
  }
  const sent = next - firstOfAll
  const deadline = performance.now() + settleMs
  const mayComplete = () => received < sent && pair.every(({ socket }) => socket.readyState === socket.OPEN)
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
