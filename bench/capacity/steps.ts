import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from '../client.js'
import { begin, each } from '../measure.js'
import { quantile, rounded } from '../figures.js'
import { relayPairs } from '../pairs.js'
import { dialects, join, type Protocol } from '../protocols.js'
import { quiet, type Server, startRedis, startSignalbox } from '../servers.js'

/** How long the steps take. */
export interface Pace {
  /** Of one measurement. */
  readonly seconds: number
  /** Idle sockets of each dialect. */
  readonly sockets: number
  /** Idle sockets of one process, if it may open as many files. */
  readonly maxSockets: number
  /** How long idle sockets are watched. The server pings each every 30 s. */
  readonly idleSeconds: number
  /** Sizes of a mesh that a node joins. */
  readonly members: readonly number[]
  /** From one load between two nodes to the next. */
  readonly factor: number
}

/** A row of the table. */
export interface Answer {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What is to be known beside it. */
  readonly note?: string
}

/** A part of the measurement. */
export interface Step {
  readonly title: string
  run (pace: Pace, tell: (line: string) => void): Promise<Answer[]>
}

const payloadBytes = 1500
const pairs = 100
const atOnce = 50
/** Files that the process has open besides sockets. */
const spareFiles = 500
/** One loopback address for every 5 000 sockets, since an address has only so many ports. */
const socketsOfAddress = 5_000
/** A load is carried while so much of it arrives, and so fast. */
const arrivingShare = 0.97
const acceptableMs = 50
const firstLoad = 2_000

/** All steps, in the order they run. */
export const steps: readonly Step[] = [
  { title: 'memory of an idle peer, by dialect', run: memoryOfPeers },
  { title: 'idle sockets of one process', run: idleSockets },
  { title: 'connects a second', run: connects },
  { title: 'signals a second, one node', run: signalsOfOneNode },
  { title: 'joins of a mesh', run: joinsOfMesh },
  { title: 'signals a second between two nodes, and how long they take', run: signalsOfTwoNodes }
]

async function memoryOfPeers ({ sockets }: Pace): Promise<Answer[]> {
  const answers: Answer[] = []
  // In tom every node has a list of all: those who join thousands measure lists, and not sockets.
  for (const protocol of [dialects.peerjs, dialects.drone, dialects.psync, dialects.rooms]) {
    const { bytes } = await idling(protocol, sockets)
    answers.push({ name: `memory of an idle peer, ${protocol.name}`, value: bytes / 1024, unit: 'KiB', note: `of ${sockets}, resident` })
  }
  return answers
}

async function idleSockets ({ maxSockets, idleSeconds }: Pace): Promise<Answer[]> {
  const files = Number(/Max open files +\d+ +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  const sockets = Math.min(maxSockets, files - spareFiles)
  const { bytes, busy } = await idling(dialects.peerjs, sockets, idleSeconds * 1000)
  const note = sockets < maxSockets ? `no more: the process may open ${files} files` : 'as many as were tried'
  return [
    { name: 'idle sockets of one process', value: sockets, unit: '', note },
    { name: 'memory that they take', value: bytes * sockets / 2 ** 20, unit: 'MiB' },
    { name: 'their pings', value: busy * 100, unit: '% of a core' }
  ]
}

/** Peers that do nothing: how much memory each takes, and which share of a core all of them do while so many ms go by. */
async function idling (protocol: Protocol, sockets: number, idleMs = 0): Promise<{ bytes: number, busy: number }> {
  const server = await startSignalbox()
  let clients: Client[] = []
  try {
    const enter = async (count: number) => await each(count, atOnce, async (at) => {
      const address = `127.0.0.${1 + Math.floor(at / socketsOfAddress)}`
      return await join(server.url, protocol, `client${at}`, { name: `group${at >> 1}` }, address)
    })
    for (const client of await enter(500)) client.destroy()
    await quiet(server)
    const before = await server.memory()
    clients = await enter(sockets)
    await quiet(server)
    const after = await server.memory()
    const end = begin(server)
    await delay(idleMs)
    const { cpu, seconds } = end()
    return { bytes: (after.rss - before.rss) / sockets, busy: cpu / seconds }
  } finally {
    for (const client of clients) client.destroy()
    await server.end()
  }
}

async function connects ({ seconds }: Pace): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const protocol of [dialects.peerjs, dialects.psync]) {
    const server = await startSignalbox()
    try {
      const run = async (ms: number): Promise<number> => {
        let count = 0
        const until = performance.now() + ms
        await Promise.all(Array.from({ length: atOnce }, async (_, at) => {
          while (performance.now() < until) {
            const number = count++
            const client = await join(server.url, protocol, `client${at}-${number}`, { name: `group${number}` })
            client.destroy()
          }
        }))
        return count
      }
      await run(seconds * 250)
      const end = begin(server)
      const count = await run(seconds * 1000)
      const { cpu, seconds: passed } = end()
      answers.push({
        name: `connects a second, ${protocol.name}`,
        value: count / passed,
        unit: '/s',
        note: `${rounded(cpu * 1e6 / count)} µs of CPU each, with the end of the connection`
      })
    } finally {
      await server.end()
    }
  }
  return answers
}

async function signalsOfOneNode ({ seconds }: Pace): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const protocol of [dialects.peerjs, dialects.drone]) {
    const server = await startSignalbox()
    try {
      const path = { from: server.url, to: server.url, protocol, pairs, payloadBytes }
      const load = { ...path, window: 8, warmUpMs: 500, measureMs: seconds * 1000 }
      const { messages, seconds: passed, span } = await relayPairs(load, () => begin(server))
      const note = `${rounded(span.cpu * 1e6 / messages)} µs of CPU each`
      answers.push({ name: `signals a second on one node, ${protocol.name}`, value: messages / passed, unit: '/s', note })
    } finally {
      await server.end()
    }
  }
  return answers
}

/** What one node more costs in a mesh of so many. */
async function joinsOfMesh ({ members }: Pace): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const size of members) {
    const server = await startSignalbox()
    try {
      const end = begin(server)
      const mesh = await each(size, atOnce, async (at) => {
        const client = await join(server.url, dialects.tom, `node${at}`, { name: 'mesh' })
        // What comes from now on is read, and thrown away.
        client.count(16, () => {})
        return client
      })
      await quiet(server)
      const { cpu, seconds } = end()
      for (const client of mesh) client.destroy()
      const note = `${rounded(cpu * 1000 / size)} ms of CPU each, ${atOnce} at a time, with the lists for all`
      answers.push({ name: `joins a second of a tom mesh that grows to ${size}`, value: size / seconds, unit: '/s', note })
    } finally {
      await server.end()
    }
  }
  return answers
}

interface Carried {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Shares of a core. */
  readonly nodes: number
  readonly redis: number
  readonly isCarried: boolean
}

/** Loads that grow until one does not arrive in time; then half of the largest. */
async function signalsOfTwoNodes ({ seconds, factor }: Pace, tell: (line: string) => void): Promise<Answer[]> {
  const redis = await startRedis()
  const nodes: Server[] = []
  try {
    for (let node = 0; node < 2; node++) nodes.push(await startSignalbox({ env: { REDIS_URL: redis.url }, isFree: true }))
    const measure = async (perSecond: number): Promise<Carried> => {
      for (const node of nodes) await quiet(node)
      const carried = await between(nodes, redis, perSecond, seconds)
      tell(`    ${rounded(perSecond)} a second: ${carried.isCarried ? described(carried) : 'not carried'}`)
      return carried
    }
    await measure(firstLoad)
    let largest: Carried | undefined
    for (let perSecond = firstLoad; ; perSecond = Math.round(perSecond * factor)) {
      const carried = await measure(perSecond)
      if (!carried.isCarried) break
      largest = carried
    }
    if (largest === undefined) throw new Error(`two nodes do not carry ${firstLoad} signals a second here`)
    const half = await measure(Math.round(largest.perSecond / 2))
    return [
      { name: 'largest load between two nodes, tom', value: largest.perSecond, unit: '/s', note: described(largest) },
      { name: 'p99 at half of it', value: half.p99, unit: 'ms', note: described(half) }
    ]
  } finally {
    for (const server of [...nodes, redis]) await server.end()
  }
}

async function between ([one, other]: readonly Server[], redis: Server, perSecond: number, seconds: number): Promise<Carried> {
  const [from, to] = [one as Server, other as Server]
  const path = { from: from.url, to: to.url, protocol: dialects.tom, pairs, payloadBytes }
  const load = { ...path, window: 1, perSecond, warmUpMs: 1_000, measureMs: seconds * 1000 }
  const cpu = () => ({ nodes: from.cpu() + to.cpu(), redis: redis.cpu() })
  try {
    const { messages, seconds: passed, latencies, span } = await relayPairs(load, () => {
      const before = cpu()
      return () => ({ nodes: cpu().nodes - before.nodes, redis: cpu().redis - before.redis })
    })
    const p99 = quantile(latencies, 0.99)
    return {
      perSecond,
      p50: quantile(latencies, 0.5),
      p99,
      nodes: span.nodes / passed,
      redis: span.redis / passed,
      isCarried: messages / passed >= perSecond * arrivingShare && p99 <= acceptableMs
    }
  } catch {
    // What is sent for longer than it can be carried ends in errors, or does not arrive in time.
    return { perSecond, p50: NaN, p99: NaN, nodes: NaN, redis: NaN, isCarried: false }
  }
}

function described ({ p50, p99, nodes, redis }: Carried): string {
  return `p50 ${rounded(p50)} ms, p99 ${rounded(p99)} ms; of a core, both nodes take ${percent(nodes)}, and Redis ${percent(redis)}`
}

function percent (share: number): string {
  return `${Math.round(share * 100)} %`
}
