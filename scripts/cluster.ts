import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort, mustBeFree } from './ports.js'

const help = `Many nodes on one Redis, to try out: npm run cluster -- [--nodes 3] [--redis URL]

  --nodes N     nodes, one process and one port each: PORT (8080), and those after it
  --redis URL   a Redis that runs already; else a redis-server is started on a free port and ended with the nodes

Every setting of Signalbox is taken from the environment, as in: DIALECTS=tom PORT=9000 npm run cluster
`

/** How long a node may take to become ready. In ms. */
const patienceMs = 20_000

/** Running child processes. */
const running = new Map<ChildProcess, string>()
let isEnding = false

process.on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', end)
// No child outlives this process.
process.on('exit', () => { for (const child of running.keys()) child.kill('SIGKILL') })

try {
  await main()
} catch (error) {
  // Requests in flight fail while everything ends. That is not worth a message.
  if (!isEnding) {
    process.stderr.write(`cluster: ${(error as Error).message}\n`)
    process.exitCode = 1
    await end()
  }
}

async function main (): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '3' },
      redis: { type: 'string' },
      help: { type: 'boolean' }
    }
  })
  if (values.help === true) return say(help.trimEnd())
  const count = Number(values.nodes)
  if (!Number.isInteger(count) || count < 1) throw new Error(`--nodes takes a number from 1, not ${values.nodes}`)

  const redis = values.redis === undefined ? await startRedis() : { url: values.redis, note: '' }
  say(`redis    ${redis.url}${redis.note}`)
  const { HOST = '127.0.0.1', PORT = '8080', LOG_LEVEL = 'warn', NATIVE_PORTS = '' } = process.env
  const ports = await portsFrom(Number(PORT), count, HOST)
  await Promise.all(ports.map(async (port, at) => {
    const name = `node ${at + 1}`
    const child = start(name, process.execPath, [
      '--import', import.meta.resolve('tsx'), fileURLToPath(new URL('../src/server.ts', import.meta.url))
    ], {
      ...process.env,
      HOST,
      LOG_LEVEL,
      PORT: String(port),
      REDIS_URL: redis.url,
      // Two nodes cannot listen on one port.
      NATIVE_PORTS: at === 0 ? NATIVE_PORTS : ''
    })
    const address = HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST
    const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`
    await untilReady(child, name, url)
    say(`${name}   ${url} (pid ${child.pid})`)
  }))
  say('A client of one reaches the clients of all. Ctrl-C ends them.')
}

/** Starts a redis-server without persistence. */
async function startRedis (): Promise<{ url: string, note: string }> {
  const port = await freePort()
  // In a process group of its own, so that Ctrl-C does not end it before the nodes have deregistered.
  const child = spawn('redis-server', [
    '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no'
  ], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore']
  })
  try {
    await once(child, 'spawn')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error('redis-server is not installed. ' +
      'On Debian or Ubuntu: sudo apt-get install redis-server; on macOS: brew install redis. ' +
      'Or name one that runs: npm run cluster -- --redis redis://127.0.0.1:6379')
  }
  watch('redis', child)
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('Ready to accept connections')) return { url: `redis://127.0.0.1:${port}`, note: ` (pid ${child.pid})` }
  }
  throw new Error('redis-server has ended instead of listening')
}

/** Starts a process and passes its output on, each line with its name. */
function start (name: string, command: string, argv: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(command, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => say(`${name} | ${line}`))
  watch(name, child)
  return child
}

function watch (name: string, child: ChildProcess): void {
  running.set(child, name)
  child.on('exit', (code, signal) => {
    running.delete(child)
    if (!isEnding) say(`${name} has ended: ${signal ?? code}`)
  })
}

async function untilReady (child: ChildProcess, name: string, url: string): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!await fetch(`${url}/ready`).then(({ ok }) => ok, () => false)) {
    if (!running.has(child)) throw new Error(`${name} has ended instead of listening`)
    if (performance.now() > deadline) throw new Error(`${name} is not ready after ${patienceMs / 1000} s: does that Redis answer?`)
    await delay(50)
  }
}

/** Ends the nodes first, while Redis can still tell the others. */
async function end (): Promise<void> {
  if (isEnding) return
  isEnding = true
  const redis = [...running].filter(([, name]) => name === 'redis')
  await stop([...running].filter(([, name]) => name !== 'redis'))
  await stop(redis)
  process.exit()
}

async function stop (processes: Array<[ChildProcess, string]>): Promise<void> {
  await Promise.all(processes.map(async ([child]) => {
    if (!running.has(child)) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }))
}

/**
 * The port of each node: PORT and those after it, or any free ports for 0.
 *
 * @throws when one is in use, since another server must not be taken for a node
 */
async function portsFrom (first: number, count: number, host: string): Promise<number[]> {
  if (first === 0) return await Promise.all(Array.from({ length: count }, async () => await freePort(host)))
  const ports = Array.from({ length: count }, (_, at) => first + at)
  await Promise.all(ports.map(async (port) => await mustBeFree(port, host)))
  return ports
}

function say (line: string): void {
  process.stdout.write(`${line}\n`)
}
