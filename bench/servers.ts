import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const built = fileURLToPath(new URL('../dist/src/server.js', import.meta.url))

/** Ticks of a CPU's clock in a second, as Linux counts them for /proc. */
const ticksASecond = 100

export interface Process {
  readonly pid: number
  /** Where it is reached. */
  readonly url: string
  /** CPU it has used so far, in s. */
  cpu (): number
  end (): Promise<void>
}

/** The built server on a free port of the loopback, without limits that a bench would meet. */
export async function startNode (env: Record<string, string>): Promise<Process> {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [built], {
    env: { PATH, NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '0', MESSAGE_RATE: '1000000000', MESSAGE_BURST: '1000000000', CONNECT_RATE: '1000000000', ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [, url] = await line(child, /Server listening at (http:\/\/127\.0\.0\.1:\d+)/)
  return started(child, url as string)
}

export async function startRedis (): Promise<Process> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await line(child, /Ready to accept connections/)
  return started(child, `redis://127.0.0.1:${port}`)
}

/** The first line it writes that fits. What it writes later is thrown away. */
async function line (child: ChildProcess, what: RegExp): Promise<RegExpExecArray> {
  const stdout = child.stdout as NodeJS.ReadableStream
  return await new Promise((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (text) => {
      const found = what.exec(text)
      if (found !== null) resolve(found)
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => reject(new Error(`${child.spawnfile} has ended with ${code ?? signal}`)))
  })
}

function started (child: ChildProcess, url: string): Process {
  const pid = child.pid as number
  const kill = () => child.kill('SIGKILL')
  process.on('exit', kill)
  return {
    pid,
    url,
    cpu () {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
      return (Number(fields[11]) + Number(fields[12])) / ticksASecond
    },
    async end () {
      process.off('exit', kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
}
