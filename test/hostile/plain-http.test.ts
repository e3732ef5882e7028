import { spawn } from 'node:child_process'
import { connect as connectTcp, type Socket } from 'node:net'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { connect } from '../helper.js'
import { start } from '../process.js'

const paths = ['/health', '/openapi.json', '/nowhere', '/tom/id', '/%zz']

/** A client that sends as many requests as one read takes, again and again, and reads none of their answers. */
async function pipeline (t: Test, port: number, path: string): Promise<Socket> {
  const requests = `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(2_000)
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  socket.pause().on('error', () => {}).on('drain', () => { socket.write(requests) }).write(requests)
  await new Promise((resolve) => socket.on('connect', resolve).on('close', resolve))
  return socket
}

/** Two that signal to each other from an address of their own: how long a signal takes, in ms, sorted. */
async function honestPair (t: Test, port: number): Promise<(ms: number) => Promise<number[]>> {
  const [from, to] = await Promise.all(['from', 'to'].map(async (id) => {
    const client = await connect(t, port, '/drone', { localAddress: '127.0.0.77' })
    client.send({ type: 'register', id })
    await client.nextOf('registered')
    return client
  })) as [Awaited<ReturnType<typeof connect>>, Awaited<ReturnType<typeof connect>>]
  return async (ms) => {
    const latencies: number[] = []
    const until = performance.now() + ms
    for (let n = 0; performance.now() < until; n++) {
      const sentAt = performance.now()
      from.send({ type: 'offer', target: 'to', sdp: `${n} ${'x'.repeat(1000)}` })
      await to.nextThat(({ sdp }) => String(sdp).startsWith(`${n} `))
      latencies.push(performance.now() - sentAt)
      await delay(2)
    }
    return latencies.sort((a, b) => a - b)
  }
}

const median = (sorted: number[]) => sorted[Math.floor(sorted.length / 2)] as number
const p99 = (sorted: number[]) => sorted[Math.floor(sorted.length * 0.99)] as number
/** In s. */
const cpuOf = (pid = 0) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0)
const rssOf = (pid = 0) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

t.test('100 connections that pipeline requests and read nothing cost an honest pair nothing that it feels, and no memory', { timeout: 40_000 }, async (t) => {
  const { child, port } = await start(t, { AUDIT_LOG: '/dev/null' })
  const measure = await honestPair(t, port)
  await measure(500)
  const quiet = await measure(1200)
  const before = rssOf(child.pid)
  for (const path of paths) {
    const [attacked, sockets] = await Promise.all([measure(1200), Promise.all(Array.from({ length: 100 }, async () => await pipeline(t, port, path)))])
    t.ok(p99(attacked) <= Math.max(2 * p99(quiet), 50), `${path}: p99 ${p99(attacked).toFixed(1)} ms, ${p99(quiet).toFixed(1)} when it is quiet`)
    for (const socket of sockets) socket.destroy()
  }
  const grown = rssOf(child.pid) - before
  t.ok(grown < 64, `it has grown by ${grown.toFixed(0)} MiB`)
})

t.test('those that come again as soon as they are cut cost less than half a core', { timeout: 40_000 }, async (t) => {
  const { child, port } = await start(t, { AUDIT_LOG: '/dev/null' })
  const measure = await honestPair(t, port)
  await measure(500)
  const quiet = await measure(1000)
  // In a process of its own, which does nothing else.
  const attack = `for (let n = 0; n < 20; n++) (function come (path) {
    const requests = ('GET ' + path + ' HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n').repeat(2000)
    const socket = require('net').connect(${port}, '127.0.0.1').pause().on('error', () => {})
    socket.write(requests)
    setTimeout(() => { socket.destroy(); come(path) }, 20)
  })(${JSON.stringify(paths)}[n % ${paths.length}])`
  const attacker = spawn(process.execPath, ['-e', attack], { stdio: 'inherit' })
  t.teardown(() => attacker.kill('SIGKILL'))
  const cpu = cpuOf(child.pid)
  const attacked = await measure(2000)
  const share = (cpuOf(child.pid) - cpu) / 2
  t.ok(share < 0.5, `${(100 * share).toFixed(0)} % of a core`)
  t.ok(median(attacked) <= Math.max(2 * median(quiet), 20), `p50 ${median(attacked).toFixed(1)} ms, ${median(quiet).toFixed(1)} when it is quiet`)
})

t.test('40 of them do not end a process of 256 MiB', { timeout: 40_000 }, async (t) => {
  const { child, port, exited } = await start(t, { AUDIT_LOG: '/dev/null', NODE_OPTIONS: '--max-old-space-size=256', CONNECT_RATE: '1000000' })
  for (const path of paths) await Promise.all(Array.from({ length: 40 }, async () => await pipeline(t, port, path)))
  await Promise.race([delay(500), exited])
  t.equal(child.exitCode, null)
  await connect(t, port, '/tom', { localAddress: '127.0.0.77' })
  t.ok(rssOf(child.pid) < 256)
})
