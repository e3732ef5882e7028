import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../scripts/ports.js'

/** Servers have one core to themselves, and the load has another. */
const serverCore = 0
const loadCore = Math.min(1, cpus().length - 1)
const allCores = `0-${cpus().length - 1}`

const startTimeoutMs = 20_000

const signalbox = '../dist/src/server.js'

/** All that is run for comparison, beside Signalbox. */
export type Other = 'parsing' | 'fastify' | 'raw' | 'peer' | 'broadcast' | 'tom' | 'tracker' | 'y-webrtc'

export interface Server {
  readonly pid: number
  /** `ws://` and host and port. */
  readonly url: string
  /** CPU it has used so far, all its threads, in s. */
  cpu (): number
  end (): Promise<void>
}

/** A server that is a Node process, with `preload.mjs` in it. */
export interface NodeServer extends Server {
  /** In bytes, after garbage collection. */
  memory (): Promise<{ used: number, rss: number }>
  /** Starts to measure delays of its event loop. */
  watchDelays (): Promise<void>
  /** The 99th percentile of these delays, in ms. */
  delayP99 (): Promise<number>
}

export interface Start {
  /** Settings other than those of the bench. */
  env?: Record<string, string>
  /** The path of the Node that runs it; by default this one. */
  node?: string
  /** Not pinned to the servers' core: for several servers at a time. */
  isFree?: boolean
  /** How many files it may have open; by default as many as this process. */
  maxFiles?: number
}

/** Lifts the limits that a load from one address would reach. Nothing else differs from the defaults. */
const withoutLimits = {
  MESSAGE_RATE: '1000000000',
  MESSAGE_BURST: '1000000000',
  CONNECT_RATE: '1000000000',
  MAX_CLIENTS: '1000000',
  PEERJS_CONCURRENT_LIMIT: '1000000',
  // There are only 9 000 codes, and an empty room keeps its code for this long.
  ROOM_EMPTY_TTL_MS: '500'
}

/** The built server. */
export async function startSignalbox ({ env = {}, ...start }: Start = {}): Promise<NodeServer> {
  return await startNode(signalbox, { ...start, env: { HOST: '127.0.0.1', ...withoutLimits, ...env } })
}

/** One of `bench/servers`. A server written by hand usually has `ws` alone, so it runs without `bufferutil`. */
export async function startOther (name: Other, start: Start = {}): Promise<NodeServer> {
  return await startNode(`servers/${name}.mjs`, { ...start, env: { WS_NO_BUFFER_UTIL: '1', ...start.env } })
}

let profiles: string | undefined
const profiled: string[] = []

/** Makes every Node started from now on write a CPU profile into the directory when it ends: `1.cpuprofile` and so on. */
export function profileInto (directory: string): void {
  mkdirSync(directory, { recursive: true })
  profiles = directory
}

/** The profiles, in the order in which the processes were started. */
export function profilesWritten (): readonly string[] {
  return profiled
}

async function startNode (file: string, { env = {}, node = process.execPath, isFree = false, maxFiles }: Start): Promise<NodeServer> {
  const { PATH = '' } = process.env
  const args = ['--expose-gc', '--import', here('servers/preload.mjs'), here(file)]
  const profile = profiles === undefined ? undefined : join(profiles, `${profiled.length + 1}.cpuprofile`)
  if (profile !== undefined) profiled.push(profile)
  // Its log goes to /dev/null.
  const bounded = maxFiles === undefined ? [] : ['prlimit', `--nofile=${maxFiles}`]
  const child = spawn('taskset', ['-c', isFree ? allCores : String(serverCore), ...bounded, node, ...args], {
    env: { PATH, NODE_ENV: 'production', PORT: '0', ...(profile !== undefined && { BENCH_PROFILE: profile }), ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
  const answer = async (): Promise<Record<string, number>> => {
    const settled = new AbortController()
    const ended = once(child, 'exit', settled).then(() => { throw new Error(`${file} has ended`) })
    const [answer] = await Promise.race([once(child, 'message', settled), ended]).finally(() => settled.abort())
    return answer
  }
  const ask = async (question: string): Promise<Record<string, number>> => {
    child.send(question)
    return await answer()
  }
  const { port } = await answer()
  return {
    pid: child.pid as number,
    url: `ws://127.0.0.1:${port}`,
    cpu: () => cpuOf(child),
    memory: async () => await ask('memory') as { used: number, rss: number },
    watchDelays: async () => { await ask('watch') },
    delayP99: async () => (await ask('delays')).p99 as number,
    async end () {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      if (child.connected) child.send('end')
      await exited
    }
  }
}

function here (file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}

export async function startRedis (): Promise<Server> {
  const port = await freePort()
  const child = spawn(
    'taskset',
    ['-c', allCores, 'redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    { stdio: ['ignore', 'ignore', 'inherit'] }
  )
  const kill = (): void => { child.kill('SIGKILL') }
  process.on('exit', kill)
  await listening(child, port)
  return {
    pid: child.pid as number,
    url: `redis://127.0.0.1:${port}`,
    cpu: () => cpuOf(child),
    async end () {
      process.off('exit', kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      kill()
      await exited
    }
  }
}

/** Pins this process, which is the load, to the load's core. */
export async function pinLoad (): Promise<void> {
  const [code] = await once(
    spawn('taskset', ['-a', '-c', '-p', String(loadCore), String(process.pid)], { stdio: ['ignore', 'ignore', 'inherit'] }),
    'exit'
  )
  if (code !== 0) throw new Error('taskset could not pin the load to a core of its own')
}

/** @throws when it ends, or does not listen in time */
async function listening (child: ChildProcess, port: number): Promise<void> {
  for (const deadline = Date.now() + startTimeoutMs; Date.now() < deadline; await delay(20)) {
    if (child.exitCode !== null) break
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) => socket.on('connect', () => resolve(true)).on('error', () => resolve(false)))
    socket.destroy()
    if (isOpen === true) return
  }
  throw new Error(`${child.spawnargs.join(' ')} does not listen`)
}

/** Waits until the server uses hardly any CPU. */
export async function quiet ({ cpu }: Server): Promise<void> {
  for (let before = -1; cpu() - before > 0.002; await delay(50)) before = cpu()
}

/** In s. Linux counts every thread's time in ns. */
function cpuOf ({ pid }: ChildProcess): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e9
}
