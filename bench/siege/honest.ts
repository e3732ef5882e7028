import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../figures.js'
import { pinLoad } from '../servers.js'
import { enter, type HonestClient } from './honest-client.js'
import { type HonestDialect, honestDialects, mixOf, namesOf, newcomerEveryMs, newcomerOf, type Signal } from './honest-dialects.js'
import { tokensOf } from './keys.js'
import { throttledReader } from './throttled-reader.js'

/**
 * The honest clients, in a process of their own: pairs that signal in turns, once a second each. Every message that comes
 * over IPC is a task, and its answer goes back.
 */
export type Task =
  | { task: 'connect', urls: readonly string[], privateKey: string, pairs: number }
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
  /** What all of them have read and written meanwhile. */
  bytes: { read: number, written: number }
  /** What went wrong, and how often. */
  troubles: Record<string, number>
}

const sdp = `v=0 ${'x'.repeat(1000)}`
/** Signals still on their way when the time is over may take so long. In ms. */
const settleMs = 10_000
const patienceMs = 5_000
/** One of so many pairs of drones and tom nodes is on a slow line. */
const slowEvery = 10
/** 10 Mbit/s. */
const slowBytesPerSecond = 1_250_000
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

/** Of each node; the attackers come to the last. */
let urls: readonly string[] = []
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

const connections = new Set<Socket>()
/** Of connections that are over. */
const past = { read: 0, written: 0 }

interface Entrance {
  readonly dialect: HonestDialect
  readonly id: string
  readonly node?: number
  readonly met?: string | undefined
  readonly isSlow?: boolean
}

async function enterFrom (address: string, { isSlow = false, node = -1, ...entrance }: Entrance): Promise<{ client: HonestClient, met: string | undefined }> {
  const onConnection = (connection: Socket): void => {
    connections.add(connection)
    connection.on('close', () => {
      connections.delete(connection)
      past.read += connection.bytesRead
      past.written += connection.bytesWritten
    })
    if (isSlow) throttledReader(connection, slowBytesPerSecond)
  }
  return await enter({ ...entrance, url: urls.at(node) as string, address, token: tokenFor({ sub: entrance.id }), onConnection })
}

function bytes (): Relayed['bytes'] {
  return [...connections].reduce(({ read, written }, { bytesRead, bytesWritten }) => ({ read: read + bytesRead, written: written + bytesWritten }), past)
}

async function join (dialect: HonestDialect, at: number, isSlow: boolean): Promise<Pair> {
  const [one, other] = namesOf(dialect, at)
  const { client: first, met } = await enterFrom(addressOf(at), { dialect, id: one, node: 0, isSlow })
  // All drones are on the first node, so that the last has none of their room; others meet over nodes.
  const { client: second } = await enterFrom(addressOf(at), { dialect, id: other, node: dialect.name === 'drone' ? 0 : -1, met })
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
    trouble(`${pair.dialect.name}: ${data.toString().replace(/[a-z]+\d+-[ab]/g, '…')}`)
  }
}

function signal (pair: Pair): void {
  const { clients, dialect } = pair
  const [from, to] = pair.sent % 2 === 0 ? clients : [clients[1], clients[0]]
  const signal: Signal = { n: pair.sent++, at: performance.now(), sdp }
  from.say(dialect.write(from.id, to.id, signal))
}

async function connect (count: number): Promise<void> {
  const wanted = mixOf(count).flatMap((count, at) => Array.from({ length: count }, (_, n) => {
    const dialect = honestDialects[at] as HonestDialect
    return { dialect, isSlow: n % slowEvery === 0 && ['drone', 'tom'].includes(dialect.name) }
  }))
  for (let from = 0; from < wanted.length; from += connectAtATime) {
    pairs.push(...await Promise.all(wanted.slice(from, from + connectAtATime).map(async ({ dialect, isSlow }, at) => await join(dialect, from + at, isSlow))))
  }
}

async function relay (seconds: number): Promise<Relayed> {
  latencies = []
  troubles = {}
  const before = sum()
  const bytesBefore = bytes()
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
  const { read, written } = bytes()
  return {
    sent: sent - before.sent,
    delivered: received - before.received,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    newcomers: newcomers.length,
    welcomed: welcomes.length,
    welcomeP99: quantile(welcomes, 0.99),
    bytes: { read: read - bytesBefore.read, written: written - bytesBefore.written },
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
  const { dialect, id } = newcomerOf(at)
  // It finds what was sent to it before it came.
  if (dialect.name === 'peerjs') pairs[0]?.clients[0].say(dialect.write('', id, { n: at, at: 0, sdp: 'sent before' }))
  const startedAt = performance.now()
  try {
    const { client } = await enterFrom(addressOf(16384 + at), { dialect, id })
    const ms = performance.now() - startedAt
    // Who is let in late finds that its mail has expired, which its sender was told.
    if (dialect.name === 'peerjs') await takeMail(client).catch((error: Error) => trouble(`newcomer of ${dialect.name}: ${error.message}`))
    client.socket.close()
    return ms
  } catch (error) {
    trouble(`newcomer of ${dialect.name}: ${(error as Error).message}`)
  }
}

/** Waits for what a newcomer was sent before it came, among whatever else it finds. */
async function takeMail (client: HonestClient): Promise<void> {
  const late = delay(patienceMs).then(() => { throw new Error('no mail') })
  late.catch(() => {})
  const postman = pairs[0]?.clients[0].id
  for (let from; from !== postman;) from = (await Promise.race([client.hear('OFFER'), late])).src
}

async function perform (message: Task): Promise<Relayed | { sockets: number }> {
  if (message.task === 'relay') return await relay(message.seconds)
  urls = message.urls
  tokenFor = tokensOf(message.privateKey)
  await connect(message.pairs)
  return { sockets: pairs.length * 2 }
}

await pinLoad()
process.on('message', (message: Task) => {
  perform(message).then((answer) => process.send?.(answer), (error: unknown) => { throw error })
})
process.on('disconnect', () => process.exit())
