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
export type Other = 'parsing' | 'raw' | 'peer' | 'broadcast' | 'tom'

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
  /** Collects garbage first. In bytes. */
  memory (): Promise<{ used: number, rss: number }>
  /** From here on delays of its event loop are measured. */
  watchDelays (): Promise<void>
  /** The 99th percentile of those, in ms. */
  delayP99 (): Promise<number>
}

export interface Start {
  /** Settings other than the defaults, which the bench would meet. */
  env?: Record<string, string>
  /** Which Node runs it; without one, this. */
  node?: string
  /** Not on the servers' core: several work at a time. */
  isFree?: boolean
  /** How many files it may have open; without one, as many as this process. */
  maxFiles?: number
}

/** Limits that a load from one address meets, and nothing else. */
const withoutLimits = {
  MESSAGE_RATE: '1000000000',
  MESSAGE_BURST: '1000000000',
  CONNECT_RATE: '1000000000',
  MAX_CLIENTS: '1000000',
  PEERJS_CONCURRENT_LIMIT: '1000000',
  // There are 9 000 codes, and empty rooms keep theirs.
  ROOM_EMPTY_TTL_MS: '500'
}

/** The built server. */
export async function startSignalbox ({ env = {}, ...start }: Start = {}): Promise<NodeServer> {
  return await startNode(signalbox, { ...start, env: { HOST: '127.0.0.1', ...withoutLimits, ...env } })
}

/** One of `bench/servers`. Whoever writes such a server installs `ws` and nothing for it, so `bufferutil` is left out. */
export async function startOther (name: Other, start: Start = {}): Promise<NodeServer> {
  return await startNode(`servers/${name}.mjs`, { ...start, env: { WS_NO_BUFFER_UTIL: '1' } })
}

let profiles: string | undefined
const profiled: string[] = []

/** From here on every Node that is started writes a profile of its CPU there when it ends, from when it listens: `1.cpuprofile` and so on. */
export function profileInto (directory: string): void {
  mkdirSync(directory, { recursive: true })
  profiles = directory
}

/** The profiles of those that were started, in that order. */
export function profilesWritten (): readonly string[] {
  return profiled
}

async function startNode (file: string, { env = {}, node = process.execPath, isFree = false, maxFiles }: Start): Promise<NodeServer> {
  const { PATH = '' } = process.env
  const args = ['--expose-gc', '--import', here('servers/preload.mjs'), here(file)]
  const profile = profiles === undefined ? undefined : join(profiles, `${profiled.length + 1}.cpuprofile`)
  if (profile !== undefined) profiled.push(profile)
  // What it logs goes to /dev/null.
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
  const child = spawn('taskset', ['-c', allCores, 'redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: ['ignore', 'ignore', 'inherit'] })
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

/** From here on this process, which is the load, stays on the core of the load. */
export async function pinLoad (): Promise<void> {
  const [code] = await once(spawn('taskset', ['-a', '-c', '-p', String(loadCore), String(process.pid)], { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit')
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

/** Until it has nothing more to do with what was before. */
export async function quiet ({ cpu }: Server): Promise<void> {
  for (let before = -1; cpu() - before > 0.002; await delay(50)) before = cpu()
}

/** Linux counts every thread's time in ns. */
function cpuOf ({ pid }: ChildProcess): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e9
}
