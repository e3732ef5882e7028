import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../figures.js'
import { pinLoad } from '../servers.js'
import { enter, type HonestClient } from './honest-client.js'
import { type HonestDialect, honestDialects, mixOf, type Signal } from './honest-dialects.js'
import { tokensOf } from './keys.js'

/**
 * The honest clients, in a process of their own: pairs that signal in turns, once a second each. Every message that comes
 * over IPC is a task, and its answer goes back.
 */
export type Task =
  | { task: 'connect', url: string, privateKey: string, pairs: number }
  | { task: 'relay', seconds: number }

export interface Relayed {
  sent: number
  /** Of these, how many came, once and in order. */
  delivered: number
  /** From sending to receiving, in ms. */
  p50: number
  p99: number
  /** Clients that came meanwhile, how many were let in, and how long that took in ms. */
  newcomers: number
  welcomed: number
  welcomeP99: number
  /** What went wrong, and how often. */
  troubles: Record<string, number>
}

const sdp = `v=0 ${'x'.repeat(1000)}`
/** Signals still on their way when the time is over may take so long. In ms. */
const settleMs = 10_000
const newcomerEveryMs = 500
const connectAtATime = 40

interface Pair {
  readonly dialect: HonestDialect
  readonly clients: readonly [HonestClient, HonestClient]
  /** Signals sent by either, and those that came. */
  sent: number
  received: number
  /** The last one that came from either. */
  readonly last: [number, number]
}

let url = ''
let tokenFor: ReturnType<typeof tokensOf>
const pairs: Pair[] = []
let latencies: number[] = []
let troubles: Record<string, number> = {}

function trouble (what: string): void {
  troubles[what] = (troubles[what] ?? 0) + 1
}

/** Every pair has an address of its own: what is counted by address counts for it alone. */
function addressOf (pair: number): string {
  return `127.${16 + (pair >> 14)}.${pair >> 7 & 127}.${1 + (pair & 127)}`
}

async function enterFrom (address: string, dialect: HonestDialect, id: string, met?: string): Promise<{ client: HonestClient, met: string | undefined }> {
  return await enter({ url, dialect, id, address, token: tokenFor({ sub: id }), met })
}

async function join (dialect: HonestDialect, at: number): Promise<Pair> {
  const [one, other] = [`${dialect.name}${at}-a`, `${dialect.name}${at}-b`]
  const { client: first, met } = await enterFrom(addressOf(at), dialect, one)
  const { client: second } = await enterFrom(addressOf(at), dialect, other, met)
  const pair: Pair = { dialect, clients: [first, second], sent: 0, received: 0, last: [-1, -1] }
  for (const [client, partner] of [[first, second], [second, first]] as const) {
    client.onFrame = (data) => receive(pair, partner.id, data)
    client.socket.on('close', (code) => trouble(`${dialect.name}: closed with ${code}`))
  }
  return pair
}

function receive (pair: Pair, from: string, data: Buffer): void {
  if (data.includes('v=0 x')) {
    const signal = pair.dialect.read(JSON.parse(data.toString()) as Record<string, unknown>, from)
    // A stranger may have guessed the room.
    if (signal === undefined) return
    const side = signal.n % 2
    if (signal.n <= (pair.last[side] as number)) return trouble(`${pair.dialect.name}: a signal twice, or out of order`)
    pair.last[side] = signal.n
    pair.received++
    latencies.push(performance.now() - signal.at)
  } else if (data.length < 300 && /"type":"(error|EXPIRE|LEAVE)"/i.test(data.toString())) {
    trouble(`${pair.dialect.name}: ${data.toString()}`)
  }
}

function signal (pair: Pair): void {
  const { clients, dialect } = pair
  const [from, to] = pair.sent % 2 === 0 ? clients : [clients[1], clients[0]]
  const signal: Signal = { n: pair.sent++, at: performance.now(), sdp }
  from.say(dialect.write(from.id, to.id, signal))
}

async function connect (count: number): Promise<void> {
  const wanted = mixOf(count).flatMap((count, at) => Array<HonestDialect>(count).fill(honestDialects[at] as HonestDialect))
  for (let from = 0; from < wanted.length; from += connectAtATime) {
    pairs.push(...await Promise.all(wanted.slice(from, from + connectAtATime).map(async (dialect, at) => await join(dialect, from + at))))
  }
}

async function relay (seconds: number): Promise<Relayed> {
  latencies = []
  troubles = {}
  const before = sum()
  const newcomers: Array<Promise<number | undefined>> = []
  const startedAt = performance.now()
  let next = 0
  let newcomerAt = startedAt
  for (let passed = 0; passed < seconds * 1000; passed = performance.now() - startedAt) {
    for (const due = passed / 1000 * pairs.length; next < due; next++) signal(pairs[next % pairs.length] as Pair)
    if (performance.now() >= newcomerAt) {
      newcomerAt += newcomerEveryMs
      newcomers.push(comeAndGo())
    }
    await delay(5)
  }
  const deadline = performance.now() + settleMs
  while (pairs.some(({ sent, received }) => received < sent) && performance.now() < deadline) await delay(10)
  const welcomes = (await Promise.all(newcomers)).filter((ms) => ms !== undefined).sort((one, other) => one - other)
  const sorted = Float64Array.from(latencies).sort()
  const { sent, received } = sum()
  return {
    sent: sent - before.sent,
    delivered: received - before.received,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    newcomers: newcomers.length,
    welcomed: welcomes.length,
    welcomeP99: quantile(welcomes, 0.99),
    troubles
  }
}

function sum (): { sent: number, received: number } {
  return pairs.reduce(({ sent, received }, pair) => ({ sent: sent + pair.sent, received: received + pair.received }), { sent: 0, received: 0 })
}

let arrived = 0

/** A client that comes, and goes when it was let in; answers after how many ms that was. */
async function comeAndGo (): Promise<number | undefined> {
  const at = ++arrived
  const dialect = honestDialects[at % honestDialects.length] as HonestDialect
  const startedAt = performance.now()
  try {
    const { client } = await enterFrom(addressOf(16384 + at), dialect, `${dialect.name}new${at}-a`)
    const ms = performance.now() - startedAt
    client.socket.close()
    return ms
  } catch (error) {
    trouble(`newcomer of ${dialect.name}: ${(error as Error).message}`)
  }
}

async function perform (message: Task): Promise<Relayed | { sockets: number }> {
  if (message.task === 'relay') return await relay(message.seconds)
  url = message.url
  tokenFor = tokensOf(message.privateKey)
  await connect(message.pairs)
  return { sockets: pairs.length * 2 }
}

await pinLoad()
process.on('message', (message: Task) => {
  perform(message).then((answer) => process.send?.(answer), (error: unknown) => { throw error })
})
process.on('disconnect', () => process.exit())
