import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { connect, type Env } from '../helper.js'
import { startRedis } from '../redis.js'

const script = fileURLToPath(new URL('../../scripts/cluster.ts', import.meta.url))

interface Cluster {
  readonly child: ChildProcess
  readonly output: { text: string }
  readonly exited: Promise<number | string>
  /** Resolves once it has printed this. */
  says (what: RegExp): Promise<RegExpExecArray>
}

/** Runs the script of `npm run cluster`. Ends it with the test, in a way that lets it clean up. */
function cluster (t: Test, argv: string[], env: Env = {}): Cluster {
  const { PATH = '' } = process.env
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, ...argv],
    { env: { PATH, PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe'] }
  )
  const output = { text: '' }
  const exited = once(child, 'close').then(([code, signal]: Array<number | string | null>) => code ?? signal ?? 'nothing')
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output.text += text })
  t.teardown(async () => {
    child.kill('SIGINT')
    await exited
  })
  return {
    child,
    output,
    exited,
    async says (what) {
      while (true) {
        const found = what.exec(output.text)
        if (found !== null) return found
        await Promise.race([
          once(child.stdout as Readable, 'data'), exited.then((code) => { throw new Error(`ended with ${code}: ${output.text}`) })
        ])
      }
    }
  }
}

/** Whether a process is running. */
function lives (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function meetOver (t: Test, ports: readonly number[]): Promise<void> {
  const [alice, bob] = [await connect(t, ports[0] as number, '/drone'), await connect(t, ports[1] as number, '/drone')]
  alice.send({ type: 'register', id: 'alice' })
  await alice.nextOf('registered')
  bob.send({ type: 'register', id: 'bob' })
  await bob.nextOf('registered')
  bob.send({ type: 'offer', target: 'alice', sdp: 'v=0' })
  t.match(await alice.nextOf('offer'), { from: 'bob', sdp: 'v=0' })
}

async function portsOf ({ says, output }: Cluster): Promise<number[]> {
  await says(/Ctrl-C/)
  return [...output.text.matchAll(/node \d+ +http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port))
}

t.test('npm run cluster: nodes on a Redis of their own are one exchange, and at Ctrl-C nothing is left of it', async (t) => {
  const started = cluster(t, ['--nodes', '2'])
  const ports = await portsOf(started)
  t.equal(ports.length, 2)
  const pids = [...started.output.text.matchAll(/\(pid (\d+)\)/g)].map(([, pid]) => Number(pid))
  t.equal(pids.length, 3)
  t.ok(pids.every(lives))
  await meetOver(t, ports)

  started.child.kill('SIGINT')
  t.equal(await started.exited, 0)
  t.notOk(pids.some(lives))
})

t.test('it goes on when a node is killed', async (t) => {
  const started = cluster(t, ['--nodes', '3'])
  const ports = await portsOf(started)
  const [, pid] = await started.says(/node 1 .*\(pid (\d+)\)/)
  const [, port] = await started.says(/node 1 +http:\/\/127\.0\.0\.1:(\d+)/)
  process.kill(Number(pid), 'SIGKILL')
  await started.says(/node 1 has ended: SIGKILL/)
  await meetOver(t, ports.filter((other) => other !== Number(port)))
})

t.test('with --redis it uses the one that is named, and settings come from the environment', async (t) => {
  const redis = await startRedis(t)
  const started = cluster(t, ['--nodes', '2', '--redis', redis.url], { DIALECTS: 'drone' })
  const ports = await portsOf(started)
  await meetOver(t, ports)
  t.equal((await fetch(`http://127.0.0.1:${ports[0]}/tom/health`)).status, 404)
  started.child.kill('SIGTERM')
  t.equal(await started.exited, 0)
  t.equal(await redis.client.ping(), 'PONG')
})

t.test('it says what to install when there is no redis-server', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-path-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  symlinkSync(process.execPath, join(directory, 'node'))
  const { exited, output } = cluster(t, [], { PATH: directory })
  t.equal(await exited, 1)
  t.match(output.text, 'redis-server is not installed. On Debian or Ubuntu: sudo apt-get install redis-server')
})

t.test('it ends when a port is in use', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { exited, output } = cluster(t, ['--nodes', '1'], { PORT: String(port) })
  t.equal(await exited, 1)
  t.match(output.text, `address already in use 127.0.0.1:${port}`)
  const [, pid] = /redis .*\(pid (\d+)\)/.exec(output.text) ?? []
  t.notOk(lives(Number(pid)), 'and takes its Redis along')
})
