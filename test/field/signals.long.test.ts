import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { connect, until } from '../helper.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const server = join(root, 'dist/src/server.js')
const { PATH = '' } = process.env
const env = {
  PATH, HOME: '/nonexistent', HOST: '127.0.0.1', PORT: '0', DRAIN_MS: '500', HEARTBEAT_INTERVAL: '1000', npm_config_update_notifier: 'false'
}

interface Launched {
  readonly launcher: ChildProcess
  readonly port: number
  /** The server's own process. */
  readonly pid: number
  readonly output: () => string
}

/** Starts a server in a process group of its own, as a shell or a platform does. */
async function launch (t: Test, [command, ...argv]: readonly [string, ...string[]], cwd: string): Promise<Launched> {
  const launcher = spawn(command, argv, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { try { process.kill(-(launcher.pid as number), 'SIGKILL') } catch {} })
  let output = ''
  ;(launcher.stdout as Readable).setEncoding('utf8').on('data', (text: string) => { output += text })
  // A shell that leaves it in the background ends with 0.
  const ended = once(launcher, 'exit').then(async ([code]) => {
    if (code === 0) await once(launcher.stdout as Readable, 'data')
    else throw new Error(`ended with ${code}: ${output}`)
  })
  ended.catch(() => {})
  while (!output.includes('Server listening at')) await Promise.race([once(launcher.stdout as Readable, 'data'), ended])
  const { pid } = JSON.parse(/^\{.*Server listening.*\}$/m.exec(output)?.[0] ?? '') as { pid: number }
  return { launcher, port: Number(/Server listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1]), pid, output: () => output }
}

const isRunning = (pid: number): boolean => {
  try {
    // What nobody has waited for yet is still there, and does nothing.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** A folder in which Signalbox is installed, with the command that npm makes of its `bin`. */
function installed (t: Test): string {
  const folder = t.testdir({ 'package.json': '{ "scripts": { "start": "signalbox" } }' })
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules/signalbox'))
  symlinkSync(server, join(folder, 'node_modules/.bin/signalbox'))
  // As npm does.
  chmodSync(server, 0o755)
  return folder
}

const launchers: Record<string, (t: Test) => [argv: readonly [string, ...string[]], cwd: string]> = {
  'npm start': () => [['npm', 'start'], root],
  'npm start of somebody’s own package': (t) => [['npm', 'start'], installed(t)],
  npx: (t) => [['npx', '--no-install', 'signalbox'], installed(t)],
  'a shell': () => [['sh', '-c', `node ${server}; echo ended`], root],
  bash: () => [['bash', '-c', `cd / && node ${server} && echo ended`], root]
}

for (const [name, how] of Object.entries(launchers)) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    for (const whom of ['the process that was started', 'its whole group'] as const) {
      // A shell that gets SIGINT alone waits for what it has started, and a terminal sends it to the whole group.
      if (signal === 'SIGINT' && whom === 'the process that was started' && name !== 'npm start') continue
      t.test(`${signal} to ${whom} drains the server: ${name}`, async (t) => {
        const { launcher, port, pid, output } = await launch(t, ...how(t))
        const clients = await Promise.all(Array.from({ length: 5 }, async () => await connect(t, port, '/tom')))
        process.kill(whom === 'its whole group' ? -(launcher.pid as number) : launcher.pid as number, signal)
        for (const { closed } of clients) t.equal((await closed).code, 1001)
        await until(() => !isRunning(pid))
        t.match(output(), /draining 5 sockets over 500 ms/)
      })
    }
  }
}

for (const [name, before] of [['npm start', undefined], ['npm start, as it was without exec', 'node dist/src/server.js']] as const) {
  t.test(`SIGKILL of its launcher drains the server: ${name}`, async (t) => {
    const argv: readonly [string, ...string[]] = before === undefined ? ['npm', 'start'] : ['sh', '-c', `${before}; true`]
    const { launcher, port, pid } = await launch(t, argv, root)
    const { closed } = await connect(t, port, '/tom')
    launcher.kill('SIGKILL')
    t.equal((await closed).code, 1001)
    await until(() => !isRunning(pid))
  })
}

t.test('npm waits for the server to drain, so that a container whose first process it is drains, too', async (t) => {
  const { launcher, port, pid } = await launch(t, ['npm', 'start'], root)
  await connect(t, port, '/tom')
  launcher.kill('SIGTERM')
  await once(launcher, 'exit')
  t.notOk(isRunning(pid), 'npm ended after it')
})

t.test('a server that a shell starts in the background, and leaves, goes on', async (t) => {
  const { launcher, port, pid } = await launch(t, ['sh', '-c', `node ${server} &`], root)
  const client = await connect(t, port, '/tom')
  t.equal(launcher.exitCode, 0)
  // By the second ping, a second later, the launcher has been looked for several times.
  for (let pings = 0; pings < 2; pings++) await once(client.socket, 'ping')
  t.ok(isRunning(pid))
  t.equal(client.socket.readyState, client.socket.OPEN)
})
