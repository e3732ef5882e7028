import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../figures.js'
import { pinLoad } from '../servers.js'
import { Conversation } from './conversation.js'
import { enter, type HonestClient } from './honest-client.js'
import { type HonestDialect, honestDialects, mixOf, namesOf, newcomerEveryMs, newcomerOf } from './honest-dialects.js'
import { tokensOf } from './keys.js'
import { throttledReader } from './throttled-reader.js'

/**
 * The honest clients, in a process of their own: pairs that signal in turns, once a second each. Every IPC message is a task,
 * and its result is sent back.
 */
export type Task =
  | { task: 'connect', urls: readonly string[], privateKey: string, pairs: number }
  | { task: 'relay', seconds: number }

export interface Relayed {
  sent: number
  /** How many of them arrived, once and in order. */
  delivered: number
  /** From sending to receiving, in ms. */
  p50: number
  p99: number
  /** Clients that came meanwhile, how many of them were let in, and how long that took. In ms. */
  newcomers: number
  welcomed: number
  welcomeP99: number
  /** Bytes that all honest clients have read and written meanwhile. */
  bytes: { read: number, written: number }
  /** Counts by what went wrong. */
  troubles: Record<string, number>
}

/** How long signals may still take to arrive when the time is over. In ms. */
const settleMs = 10_000
const patienceMs = 5_000
/** Every so many pairs of drones and of tom nodes, one client is on a slow line. */
const slowEvery = 10
/** A line of 10 Mbit/s. */
const slowBytesPerSecond = 1_250_000
const connectAtATime = 40

/** One URL for each node. The attackers come to the last. */
let urls: readonly string[] = []
let tokenFor: ReturnType<typeof tokensOf>
const pairs: Conversation[] = []
/** The newcomers whose mail has expired, of which its sender was told. */
const expired = new Set<string>()
let latencies: number[] = []
let troubles: Record<string, number> = {}

function trouble (dialect: HonestDialect, what: string): void {
  const line = `${dialect.name}: ${what.replace(/[a-z]+\d+-[ab]/g, '…')}`
  troubles[line] = (troubles[line] ?? 0) + 1
}

/** Every pair has an address of its own, so limits by address apply to it alone. */
function addressOf (pair: number): string {
  return `127.${16 + (pair >> 14)}.${pair >> 7 & 127}.${1 + (pair & 127)}`
}

const connections = new Set<Socket>()
/** Bytes of connections that have ended. */
const past = { read: 0, written: 0 }

interface Entrance {
  readonly dialect: HonestDialect
  readonly id: string
  readonly node?: number
  /** The place of the first of a pair, where the server assigns places. */
  readonly place?: string | undefined
  readonly isSlow?: boolean
}

async function enterFrom (address: string, { isSlow = false, node = -1, ...entrance }: Entrance): Promise<HonestClient> {
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
  return [...connections].reduce(
    ({ read, written }, { bytesRead, bytesWritten }) => ({ read: read + bytesRead, written: written + bytesWritten }),
    past
  )
}

async function join (dialect: HonestDialect, at: number, isSlow: boolean): Promise<Conversation> {
  const [one, other] = namesOf(dialect, at)
  const first = await enterFrom(addressOf(at), { dialect, id: one, node: 0, isSlow })
  // All drones are on the first node, so that the last has none of their room; others meet over nodes.
  const node = dialect.name === 'drone' ? 0 : -1
  const second = await enterFrom(addressOf(at), { dialect, id: other, node, place: first.place })
  return new Conversation(dialect, [first, second], {
    onSignal: ({ at }) => latencies.push(performance.now() - at),
    onTrouble (what) {
      const [, absent] = /"type":"EXPIRE","src":"([^"]+)"/.exec(what) ?? []
      if (absent !== undefined) expired.add(absent)
      trouble(dialect, what)
    }
  })
}

async function connect (count: number): Promise<void> {
  const wanted = mixOf(count).flatMap((count, at) => Array.from({ length: count }, (_, n) => {
    const dialect = honestDialects[at] as HonestDialect
    return { dialect, isSlow: n % slowEvery === 0 && ['drone', 'tom'].includes(dialect.name) }
  }))
  for (let from = 0; from < wanted.length; from += connectAtATime) {
    pairs.push(...await Promise.all(wanted
      .slice(from, from + connectAtATime)
      .map(async ({ dialect, isSlow }, at) => await join(dialect, from + at, isSlow))))
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
    for (const due = passed / 1000 * pairs.length; next < due; next++) pairs[next % pairs.length]?.send()
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
  return pairs.reduce(
    ({ sent, received }, pair) => ({ sent: sent + pair.sent, received: received + pair.received }),
    { sent: 0, received: 0 }
  )
}

let arrived = 0

/** A client that comes, and leaves once it has been let in. Answers how long that took, in ms. */
async function comeAndGo (): Promise<number | undefined> {
  const at = ++arrived
  const { dialect, id } = newcomerOf(at)
  // It finds the mail that was sent to it before it came.
  if (dialect.name === 'peerjs') pairs[0]?.clients[0].send(dialect.offer('', id, 'sent before'))
  const startedAt = performance.now()
  try {
    const client = await enterFrom(addressOf(16384 + at), { dialect, id })
    const ms = performance.now() - startedAt
    if (dialect.name === 'peerjs') await takeMail(client)
    client.socket.close()
    return ms
  } catch (error) {
    trouble(dialect, `newcomer: ${(error as Error).message}`)
  }
}

/** Waits for the mail among whatever else a newcomer finds. Who is let in late may find that it has expired. */
async function takeMail (client: HonestClient): Promise<void> {
  const postman = pairs[0]?.clients[0].id
  const mail = client.hear(({ src }) => src === postman ? true : undefined)
  const isThere = await Promise.race([mail, delay(patienceMs, false)])
  if (!isThere && !expired.has(client.id)) throw new Error('no mail')
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
