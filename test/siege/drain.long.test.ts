import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { until, urlOf } from '../helper.js'
import type { ClientDialect } from '../../src/testing/dialect.js'
import { clients } from '../../src/testing/clients.js'
import { start } from '../process.js'
import { upgradeBytes } from '../../src/testing/raw.js'

const sockets = 2000
const drainMs = 3000
/** How much longer than DRAIN_MS the process may take. In ms. */
const graceMs = 5000

/** What the clients speak, in turns. All tom nodes hear of each other, all drones are in one list. */
const dialects: readonly ClientDialect[] = Object.values(clients)

interface End {
  code: number
  at: number
}

async function enter (port: number, at: number, ends: End[]): Promise<void> {
  const id = `id${at}`
  const dialect = dialects[at % dialects.length] as ClientDialect
  const socket = new WebSocket(urlOf(port).replace('http', 'ws') + dialect.path(id), { perMessageDeflate: false })
  socket.on('close', (code) => ends.push({ code, at: performance.now() }))
  await once(socket, 'open')
  for (const frame of dialect.registration(id)) socket.send(JSON.stringify(frame))
  socket.on('message', () => {})
}

/** A socket that never reads, so it never answers a close. */
async function deaf (t: Test, port: number): Promise<void> {
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  t.teardown(() => socket.destroy())
  socket.write(upgradeBytes('/drone'))
  await once(socket, 'data')
  socket.pause()
}

/** A process that opens `count` sockets and is then stopped. */
async function stopped (t: Test, port: number, count: number): Promise<void> {
  const request = JSON.stringify(upgradeBytes('/tom').toString())
  const socket = `require('net').connect(${port}, '127.0.0.1').on('data', () => console.log('in'))`
  const script = `for (let n = 0; n < ${count}; n++) ${socket}.write(${request})`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (text) => { output += String(text) })
  await until(() => output.split('in').length > count)
  child.kill('SIGSTOP')
}

t.test([
  'SIGTERM with 2 000 clients of all dialects, ten of them dead:',
  'all are closed with 1001, spread over DRAIN_MS, and the process ends in time'
].join(' '), { timeout: 60_000 }, async (t) => {
  const { child, port, exited } = await start(t, { DRAIN_MS: String(drainMs), CONNECT_RATE: '1000000', LOG_LEVEL: 'info' })
  const ends: End[] = []
  await stopped(t, port, 5)
  const living = sockets - 10
  for (let from = 0; from < living; from += 100) {
    await Promise.all(Array.from({ length: Math.min(100, living - from) }, async (_, at) => await enter(port, from + at, ends)))
  }
  // Closed last, so that only their time to answer is left.
  for (let at = 0; at < 5; at++) await deaf(t, port)

  const startedAt = performance.now()
  child.kill('SIGTERM')
  t.equal(await exited, 0)
  const passed = performance.now() - startedAt
  t.ok(passed < drainMs + graceMs, `it has ended after ${Math.round(passed)} ms`)
  await until(() => ends.length === living)
  t.same(new Set(ends.map(({ code }) => code)), new Set([1001]))
  const quarterOf = ({ at }: End) => Math.min(3, Math.floor((at - startedAt) / drainMs * 4))
  const quarters = [0, 1, 2, 3].map((quarter) => ends.filter((end) => quarterOf(end) === quarter).length)
  for (const quarter of quarters) t.ok(quarter > living * 0.15 && quarter < living * 0.4, `by quarters of the time: ${quarters.join(', ')}`)
})
