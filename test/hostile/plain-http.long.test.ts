import { spawn } from 'node:child_process'
import { connect as connectTcp, type Socket } from 'node:net'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { connect } from '../helper.js'
import { start } from '../process.js'
import { honestPair, prefer } from './neighbour.js'

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

const roundMs = 600
/** What else the machine does shows in some rounds, an attack that harms in all. */
const maxRounds = 8

/** In s. */
const cpuOf = (pid = 0) => readFileSync(`/proc/${pid}/stat`, 'utf8')
  .split(' ')
  .slice(13, 15)
  .reduce((sum, ticks) => sum + Number(ticks) / 100, 0)
const rssOf = (pid = 0) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

t.test('100 connections that pipeline requests and read nothing cost an honest pair nothing that it feels, and no memory', {
  timeout: 90_000
}, async (t) => {
  const { child, port } = await start(t, { AUDIT_LOG: '/dev/null' })
  prefer(child.pid)
  const neighbour = await honestPair(t, port)
  const quiet = await neighbour.measure(2000)
  const bound = Math.max(2 * quiet.p99, 10)
  const before = rssOf(child.pid)
  for (const path of paths) {
    const p99s: number[] = []
    while (p99s.length < maxRounds && !p99s.some((p99) => p99 <= bound)) {
      const [{ sent, delivered, p99 }, sockets] = await Promise.all([
        neighbour.measure(roundMs), Promise.all(Array.from({ length: 100 }, async () => await pipeline(t, port, path)))
      ])
      t.equal(delivered, sent, `${path}: p99 ${p99.toFixed(1)} ms, ${quiet.p99.toFixed(1)} when it is quiet`)
      p99s.push(p99)
      for (const socket of sockets) socket.destroy()
    }
    t.ok(Math.min(...p99s) <= bound, path)
  }
  const grown = rssOf(child.pid) - before
  t.ok(grown < 64, `it has grown by ${grown.toFixed(0)} MiB`)
})

t.test('those that come again as soon as they are cut cost less than half a core', { timeout: 40_000 }, async (t) => {
  const { child, port } = await start(t, { AUDIT_LOG: '/dev/null' })
  prefer(child.pid)
  const neighbour = await honestPair(t, port)
  const quiet = await neighbour.measure(1000)
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
  const { sent, delivered, p50 } = await neighbour.measure(2000)
  const share = (cpuOf(child.pid) - cpu) / 2
  t.ok(share < 0.5, `${(100 * share).toFixed(0)} % of a core`)
  t.equal(delivered, sent)
  t.ok(p50 <= Math.max(2 * quiet.p50, 20), `p50 ${p50.toFixed(1)} ms, ${quiet.p50.toFixed(1)} when it is quiet`)
})

t.test('40 of them do not end a process of 256 MiB', { timeout: 40_000 }, async (t) => {
  const { child, port, exited } = await start(
    t,
    { AUDIT_LOG: '/dev/null', NODE_OPTIONS: '--max-old-space-size=256', CONNECT_RATE: '1000000' }
  )
  for (const path of paths) await Promise.all(Array.from({ length: 40 }, async () => await pipeline(t, port, path)))
  await Promise.race([delay(500), exited])
  t.equal(child.exitCode, null)
  await connect(t, port, '/tom', { localAddress: '127.0.0.77' })
  t.ok(rssOf(child.pid) < 256)
})
