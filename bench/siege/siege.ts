import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startSignalbox } from '../servers.js'
import type { Orders, Outcomes } from './attackers.js'
import type { Relayed, Task } from './honest.js'
import { honestDialects, mixOf } from './honest-dialects.js'
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
  /** In MiB: with the honest clients alone, at its most, and what that may be. */
  readonly rss: { calm: number, peak: number, bound: number }
  /** Share of a core that the server took. */
  readonly cpu: { calm: number, siege: number }
  /** What must not be; empty when the server held. */
  readonly failures: string[]
}

/** What the server may need beyond what the honest clients take: above all what waits for clients that do not read, at most `MAX_BUFFERED` each. In MiB. */
const rssAllowance = 300
/** How long the key server takes once the attack has begun: a little less than the server waits for it. In ms. */
const slowKeysMs = 2500
/** As an operator would on the open Internet; everything else is as by default. */
const limits = { CONNECT_RATE: '', MESSAGE_RATE: '', MESSAGE_BURST: '', MAX_CLIENTS: '', MAX_CLIENTS_PER_ADDRESS: '100' }

/** Honest pairs relay alone, and then while others attack the built server. */
export async function siege ({ seed, seconds, pairs, only, log }: SiegeOptions): Promise<SiegeReport> {
  const keyServer = await startKeyServer()
  const { privateKey } = keyServer
  const server = await startSignalbox({ env: { ...limits, JWKS_URL: keyServer.url } })
  const children = { honest: startChild('honest.ts'), attackers: startChild('attackers.ts') }
  try {
    const { url, pid } = server
    const ask = async (task: Task) => await answerOf<Relayed>(children.honest, task)
    const measure = async (seconds: number) => {
      const [cpu, at] = [server.cpu(), performance.now()]
      const relayed = await ask({ task: 'relay', seconds })
      return { relayed, cpu: isAlive(pid) ? (server.cpu() - cpu) / (performance.now() - at) * 1000 : NaN }
    }
    await ask({ task: 'connect', url, privateKey, pairs })
    log(`${pairs} pairs are connected`)
    const calm = await measure(Math.ceil(seconds / 2))
    const calmRss = peakRss(pid)
    log(`alone: p99 ${calm.relayed.p99.toFixed(1)} ms`)

    keyServer.delayMs = slowKeysMs
    const orders: Orders = { url, privateKey, seed, seconds, ...(only !== undefined && { only }) }
    const [besieged, outcomes] = await Promise.all([measure(seconds), answerOf<Outcomes>(children.attackers, orders)])
    log(`under siege: p99 ${besieged.relayed.p99.toFixed(1)} ms`)
    const rss = { calm: calmRss, peak: peakRss(pid), bound: calmRss + rssAllowance }
    const mix = Object.fromEntries(mixOf(pairs).map((count, at) => [honestDialects[at]?.name ?? '', count]))
    const result = { calm: calm.relayed, siege: besieged.relayed, rss }
    return { setting: { seed, seconds, pairs }, mix, ...result, outcomes, cpu: { calm: calm.cpu, siege: besieged.cpu }, failures: failuresOf(result) }
  } finally {
    for (const child of Object.values(children)) child.kill('SIGKILL')
    await server.end()
    keyServer.close()
  }
}

function failuresOf ({ calm, siege, rss }: Pick<SiegeReport, 'calm' | 'siege' | 'rss'>): string[] {
  const failures = []
  for (const [when, { sent, delivered, troubles }] of [['alone', calm], ['under siege', siege]] as const) {
    if (delivered < sent) failures.push(`${when}, ${sent - delivered} of ${sent} signals were lost: ${JSON.stringify(troubles)}`)
  }
  if (Number.isNaN(rss.peak)) failures.push('the server has died')
  if (rss.peak > rss.bound) failures.push(`the server took ${Math.round(rss.peak)} MiB, may take ${Math.round(rss.bound)}`)
  return failures
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
