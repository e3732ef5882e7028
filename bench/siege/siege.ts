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
  /** The same seed, the same attempts. */
  seed: number
  /** How long the attack takes. Before it the honest clients are alone for half as long. */
  seconds: number
  /** Honest pairs, spread over the dialects. */
  pairs: number
  /** Only attacks of these names. */
  only?: string[]
  /** Two nodes over Redis; the attackers come to the second. */
  isShared?: boolean
  /** Told what is going on. */
  log: (line: string) => void
}

export interface SiegeReport {
  readonly setting: Record<string, string | number>
  /** Honest pairs by dialect. */
  readonly mix: Record<string, number>
  readonly calm: Relayed
  readonly siege: Relayed
  readonly outcomes: Outcomes
  /** What must not come of an attack, and how often it did. */
  readonly harms: Outcomes
  /** Of all clients: what the server has read of the attackers, and what it has written because of them. */
  readonly bytes: { read: number, written: number }
  /** Of the server, sockets included: with the honest clients alone, at its most, and how many it may have. */
  readonly openFiles: { calm: number, peak: number, bound: number }
  /** In MiB: with the honest clients alone, at its most, and what that may be. */
  readonly rss: { calm: number, peak: number, bound: number }
  /** Share of a core that the server took. */
  readonly cpu: { calm: number, siege: number }
  /** What must not be; empty when the server held. */
  readonly failures: string[]
}

/** What the server may need beyond what the honest clients take: above all what waits for clients that do not read, at most `MAX_BUFFERED` each. In MiB. */
const rssAllowance = 512
/** Files that the server may have open beyond those of the honest clients. */
const spareFiles = 4000
/** How long the key server takes once the attack has begun: a little less than the server waits for it. In ms. */
const slowKeysMs = 2500
/** As an operator would on the open Internet; everything else is as by default. */
const limits = { CONNECT_RATE: '', MESSAGE_RATE: '', MESSAGE_BURST: '', MAX_CLIENTS: '', MAX_CLIENTS_PER_ADDRESS: '100', PEERJS_CONCURRENT_LIMIT: '', ROOM_EMPTY_TTL_MS: '' }

/** Honest pairs relay alone, and then while others attack the built server. */
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
    const orders: Orders = { url, privateKey, seed, seconds, honest: { slow, partner, arrived: calm.relayed.newcomers }, ...(only !== undefined && { only }) }
    const [besieged, attacked] = await Promise.all([measure(seconds), answerOf<Attacked>(children.attackers, orders)])
    log(`under siege: p99 ${besieged.relayed.p99.toFixed(1)} ms`)
    const rss = { calm: calmRss, peak: peakRss(pid), bound: calmRss + rssAllowance }
    const mix = Object.fromEntries(mixOf(pairs).map((count, at) => [honestDialects[at]?.name ?? '', count]))
    const { outcomes, harms } = attacked
    const result = { calm: calm.relayed, siege: besieged.relayed, harms, rss, openFiles: { calm: calmFiles, peak: files.peak(), bound: maxFiles } }
    const usual = calm.relayed.bytes.read / calm.relayed.sent * besieged.relayed.sent
    const bytes = {
      read: besieged.read - besieged.relayed.bytes.written,
      written: attacked.read + besieged.relayed.bytes.read - usual
    }
    return { setting: { seed, seconds, pairs, nodes: isShared ? 2 : 1 }, mix, ...result, outcomes, bytes, cpu: { calm: calm.cpu, siege: besieged.cpu }, failures: failuresOf(result) }
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

/** Counts the open files of a process now and then. */
function watchFiles (pid: number): { peak (): number, end (): void } {
  let peak = 0
  const look = (): void => {
    try {
      peak = Math.max(peak, readdirSync(`/proc/${pid}/fd`).length)
    } catch {
      // It lives no more.
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

/** Bytes that a process has read so far, which is nearly all from sockets; NaN when it lives no more. */
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

/** The most memory a process has had, in MiB; NaN when it lives no more. */
function peakRss (pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return NaN
  }
}

function startChild (file: string): ChildProcess {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: ['--import', 'tsx'], env: { PATH: process.env.PATH ?? '' } })
  process.on('exit', () => child.kill('SIGKILL'))
  return child
}

/** Sends a child a message; answers what it sends back. */
async function answerOf<T> (child: ChildProcess, message: Task | Orders): Promise<T> {
  child.send(message)
  const [answer] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => { throw new Error(`${child.spawnargs.at(-1)} has ended with ${code}`) })
  ]) as [T]
  return answer
}
