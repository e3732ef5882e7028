import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Env } from './helper.js'
import type { Ending } from './redis.js'

const built = fileURLToPath(new URL('../dist/src/server.js', import.meta.url))

export interface Running {
  readonly child: ChildProcess
  /** What it wrote so far. */
  readonly output: { stdout: string, stderr: string }
  /** The code it exits with, or the signal that ended it. */
  readonly exited: Promise<number | string>
  /** Its resident memory now, in bytes. Linux only, as the next two. */
  rss (): number
  /** The most it has had. */
  peakRss (): number
  /** How many files it has open, sockets included. */
  openFiles (): number
}

/** Runs the built server with these settings and flags only, and ends it with the test. `maxFiles` bounds its open files. */
export function run (t: Ending, env: Env = {}, argv: string[] = [], server = built, maxFiles?: number): Running {
  const { PATH = '' } = process.env
  const [command, ...before] = maxFiles === undefined
    ? [process.execPath]
    : ['sh', '-c', `ulimit -n ${maxFiles}; exec "$0" "$@"`, process.execPath]
  const child = spawn(command as string, [...before, server, ...argv], { env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output.stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { output.stderr += text })
  const exited = once(child, 'close').then(([code, signal]: Array<number | string | null>) => code ?? signal ?? 'nothing')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const memory = (which: 'VmRSS' | 'VmHWM') => {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return Number(new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
  }
  return {
    child,
    output,
    exited,
    rss: () => memory('VmRSS'),
    peakRss: () => memory('VmHWM'),
    openFiles: () => readdirSync(`/proc/${child.pid}/fd`).length
  }
}

/** The same on a free port of the loopback, once it listens. */
export async function start (
  t: Ending,
  env: Env = {},
  argv: string[] = [],
  server = built,
  maxFiles?: number
): Promise<Running & { port: number }> {
  const running = run(t, { HOST: '127.0.0.1', PORT: '0', ...env }, argv, server, maxFiles)
  const [, port] = await outputOf(running, /Server listening at https?:\/\/127\.0\.0\.1:(\d+)/)
  return { ...running, port: Number(port) }
}

/** The same on a Unix socket. */
export async function startAt (t: Ending, path: string, env: Env = {}): Promise<Running> {
  const running = run(t, { HOST: `unix:${path}`, ...env })
  await outputOf(running, /Server listening at \/.*"/)
  return running
}

/** What a process writes, once it does. Throws when it ends instead. */
async function outputOf ({ child, output, exited }: Running, expected: RegExp): Promise<RegExpExecArray> {
  const ended = exited.then((code) => { throw new Error(`exited with ${code} instead of listening: ${output.stderr}`) })
  // It is waited for below, if at all.
  ended.catch(() => {})
  while (true) {
    const found = expected.exec(output.stdout)
    if (found !== null) return found
    await Promise.race([once(child.stdout as Readable, 'data'), ended])
  }
}
