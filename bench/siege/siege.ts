import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startRedis, startSignalbox } from '../servers.js'
import type { Attacked, Orders, Outcomes } from './attackers.js'
import type { Relayed, Task } from './honest.js'
import { honestDialects, mixOf, slowPairOf } from './honest-dialects.js'
import { startKeyServer } from './keys.js'

export interface SiegeOptions {
  /** Determines all attempts. */
  seed: number
  /** Duration of the attack. Before it the honest clients are alone for half as long. */
  seconds: number
  /** Honest pairs, spread over the dialects. */
  pairs: number
  /** Names of the attacks to run; by default all. */
  only?: string[]
  /** Runs two nodes on one Redis. The attackers come to the second. */
  isShared?: boolean
  /** Called with lines about the progress. */
  log: (line: string) => void
}

export interface SiegeReport {
  readonly setting: Record<string, string | number>
  /** Honest pairs by dialect. */
  readonly mix: Record<string, number>
  readonly calm: Relayed
  readonly siege: Relayed
  readonly outcomes: Outcomes
  /** Outcomes that fail the siege. */
  readonly harms: Outcomes
  /** Bytes that the server has read from the attackers, and bytes that it has written to anybody because of them. */
  readonly bytes: { read: number, written: number }
  /** Open files of the server, sockets included: with honest clients alone, at the peak, and the limit. */
  readonly openFiles: { calm: number, peak: number, bound: number }
  /** Peak memory in MiB: with honest clients alone, at the end, and the limit. */
  readonly rss: { calm: number, peak: number, bound: number }
  /** CPU use of the server, in cores. */
  readonly cpu: { calm: number, siege: number }
  /** Why the siege failed; empty when the server held. */
  readonly failures: string[]
}

/**
 * Memory that the server may use beyond the honest clients' share, in MiB. Most of it is data for clients that do not read, at
 * most `MAX_BUFFERED` each.
 */
const rssAllowance = 512
/** Files that the server may have open besides the sockets of the honest clients. */
const spareFiles = 4000
/** Delay of the key server during the attack, a little less than the server's timeout. In ms. */
const slowKeysMs = 2500
/** Settings as for the open Internet: the empty ones restore defaults that `startSignalbox` lifts. */
const limits = {
  CONNECT_RATE: '',
  MESSAGE_RATE: '',
  MESSAGE_BURST: '',
  MAX_CLIENTS: '',
  MAX_CLIENTS_PER_ADDRESS: '100',
  PEERJS_CONCURRENT_LIMIT: '',
  ROOM_EMPTY_TTL_MS: ''
}

/** Measures honest pairs alone, and then while others attack the server. */
export async function siege ({ seed, seconds, pairs, only, isShared = false, log }: SiegeOptions): Promise<SiegeReport> {
  const keyServer = await startKeyServer()
  const { privateKey } = keyServer
  const maxFiles = pairs * 2 + spareFiles
  const redis = isShared ? await startRedis() : undefined
  const start = { env: { ...limits, JWKS_URL: keyServer.url, ...(redis !== undefined && { REDIS_URL: redis.url }) }, maxFiles }
  const first = isShared ? await startSignalbox(start) : undefined
  const server = await startSignalbox(start)
  const children = { honest: startChild('honest.ts'), attackers: startChild('attackers.ts') }
  const files = watchFiles(server.pid)
  try {
    const { url, pid } = server
    const ask = async (task: Task) => await answerOf<Relayed>(children.honest, task)
    const measure = async (seconds: number) => {
      const [cpu, at, read] = [server.cpu(), performance.now(), readBy(pid)]
      const relayed = await ask({ task: 'relay', seconds })
      return { relayed, cpu: isAlive(pid) ? (server.cpu() - cpu) / (performance.now() - at) * 1000 : NaN, read: readBy(pid) - read }
    }
    await ask({ task: 'connect', urls: first === undefined ? [url] : [first.url, url], privateKey, pairs })
    log(`${pairs} pairs are connected`)
    const calm = await measure(Math.ceil(seconds / 2))
    const calmRss = peakRss(pid)
    const calmFiles = files.peak()
    log(`alone: p99 ${calm.relayed.p99.toFixed(1)} ms`)

    keyServer.delayMs = slowKeysMs
    const [slow, partner] = slowPairOf(pairs)
    const orders: Orders = {
      url,
      privateKey,
      seed,
      seconds,
      honest: { slow, partner, arrived: calm.relayed.newcomers },
      ...(only !== undefined && { only })
    }
    const [besieged, attacked] = await Promise.all([measure(seconds), answerOf<Attacked>(children.attackers, orders)])
    log(`under siege: p99 ${besieged.relayed.p99.toFixed(1)} ms`)
    const rss = { calm: calmRss, peak: peakRss(pid), bound: calmRss + rssAllowance }
    const mix = Object.fromEntries(mixOf(pairs).map((count, at) => [honestDialects[at]?.name ?? '', count]))
    const { outcomes, harms } = attacked
    const result = {
      calm: calm.relayed,
      siege: besieged.relayed,
      harms,
      rss,
      openFiles: { calm: calmFiles, peak: files.peak(), bound: maxFiles }
    }
    const usual = calm.relayed.bytes.read / calm.relayed.sent * besieged.relayed.sent
    const bytes = {
      read: besieged.read - besieged.relayed.bytes.written,
      written: attacked.read + besieged.relayed.bytes.read - usual
    }
    return {
      setting: { seed, seconds, pairs, nodes: isShared ? 2 : 1 },
      mix,
      ...result,
      outcomes,
      bytes,
      cpu: { calm: calm.cpu, siege: besieged.cpu },
      failures: failuresOf(result)
    }
  } finally {
    files.end()
    for (const child of Object.values(children)) child.kill('SIGKILL')
    for (const started of [server, first, redis]) await started?.end()
    keyServer.close()
  }
}

function failuresOf ({ calm, siege, harms, rss }: Pick<SiegeReport, 'calm' | 'siege' | 'harms' | 'rss'>): string[] {
  const failures = []
  for (const [when, { sent, delivered, troubles }] of [['alone', calm], ['under siege', siege]] as const) {
    if (delivered < sent) failures.push(`${when}, ${sent - delivered} of ${sent} signals were lost: ${JSON.stringify(troubles)}`)
  }
  if (siege.welcomed < siege.newcomers) failures.push(`${siege.newcomers - siege.welcomed} of ${siege.newcomers} newcomers were not let in`)
  for (const [name, counts] of Object.entries(harms)) {
    for (const [harm, times] of Object.entries(counts)) failures.push(`${name}: ${harm}, ${times} times`)
  }
  if (Number.isNaN(rss.peak)) failures.push('the server has died')
  if (rss.peak > rss.bound) failures.push(`the server used ${Math.round(rss.peak)} MiB, the limit is ${Math.round(rss.bound)}`)
  return failures
}

/** Samples the number of open files of a process. */
function watchFiles (pid: number): { peak (): number, end (): void } {
  let peak = 0
  const look = (): void => {
    try {
      peak = Math.max(peak, readdirSync(`/proc/${pid}/fd`).length)
    } catch {
      // The process has ended.
    }
  }
  const timer = setInterval(look, 200)
  return {
    peak () {
      look()
      return peak
    },
    end: () => clearInterval(timer)
  }
}

/** Bytes that a process has read so far, nearly all of them from sockets; NaN when it has ended. */
function readBy (pid: number): number {
  try {
    return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
  } catch {
    return NaN
  }
}

function isAlive (pid: number): boolean {
  return !Number.isNaN(peakRss(pid))
}

/** Peak memory of a process, in MiB; NaN when it has ended. */
function peakRss (pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return NaN
  }
}

function startChild (file: string): ChildProcess {
  const child = fork(
    fileURLToPath(new URL(file, import.meta.url)),
    { execArgv: ['--import', 'tsx'], env: { PATH: process.env.PATH ?? '' } }
  )
  process.on('exit', () => child.kill('SIGKILL'))
  return child
}

/** Sends a message to a child process and waits for the answer. */
async function answerOf<T> (child: ChildProcess, message: Task | Orders): Promise<T> {
  child.send(message)
  const [answer] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => { throw new Error(`${child.spawnargs.at(-1)} has ended with ${code}`) })
  ]) as [T]
  return answer
}
