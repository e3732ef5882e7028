import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { until, urlOf } from '../helper.js'
import { start } from '../process.js'
import { upgradeRequest } from '../routes/raw.js'

const clients = 2000
const drainMs = 3000
/** What a process may take beyond its time. In ms. */
const graceMs = 5000

/** How a client comes, in turns: of every dialect a fifth. All tom nodes hear of each other, all drones are in one list. */
const ways = [
  (id: string) => ({ path: '/tom', first: { type: 'register', nodeId: id, username: id } }),
  (id: string) => ({ path: '/drone', first: { type: 'register', id } }),
  (id: string) => ({ path: '/psync/ws', first: { type: 'register', source_id: id, payload: { peer_id: id, group_id: 'all' } } }),
  () => ({ path: '/rooms', first: { type: 'create' } }),
  (id: string) => ({ path: `/peerjs?key=peerjs&id=${id}&token=t`, first: { type: 'HEARTBEAT' } })
]

interface End {
  code: number
  at: number
}

async function enter (port: number, at: number, ends: End[]): Promise<void> {
  const { path, first } = (ways[at % ways.length] as typeof ways[0])(`id${at}`)
  const socket = new WebSocket(urlOf(port).replace('http', 'ws') + path, { perMessageDeflate: false })
  socket.on('close', (code) => ends.push({ code, at: performance.now() }))
  await once(socket, 'open')
  socket.send(JSON.stringify(first))
  socket.on('message', () => {})
}

/** Sockets that never read what comes, so never answer. */
async function deaf (t: Test, port: number): Promise<void> {
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  t.teardown(() => socket.destroy())
  socket.write(upgradeRequest('/drone'))
  await once(socket, 'data')
  socket.pause()
}

/** A process with so many sockets, which stands still from then on. */
async function stopped (t: Test, port: number, count: number): Promise<void> {
  const request = JSON.stringify(upgradeRequest('/tom').toString())
  const child = spawn(process.execPath, ['-e', `for (let n = 0; n < ${count}; n++) require('net').connect(${port}, '127.0.0.1').on('data', () => console.log('in')).write(${request})`], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (text) => { output += String(text) })
  await until(() => output.split('in').length > count)
  child.kill('SIGSTOP')
}

t.test('SIGTERM with 2 000 clients of all dialects, ten of them dead: all are closed with 1001, spread over DRAIN_MS, and the process ends in time', { timeout: 60_000 }, async (t) => {
  const { child, port, exited } = await start(t, { DRAIN_MS: String(drainMs), CONNECT_RATE: '1000000', LOG_LEVEL: 'info' })
  const ends: End[] = []
  await stopped(t, port, 5)
  const living = clients - 10
  for (let at = 0; at < living; at += 100) await Promise.all(Array.from({ length: Math.min(100, living - at) }, async (_, n) => await enter(port, at + n, ends)))
  // Closed last, so that only their time to answer is left.
  for (let at = 0; at < 5; at++) await deaf(t, port)

  const startedAt = performance.now()
  child.kill('SIGTERM')
  t.equal(await exited, 0)
  const passed = performance.now() - startedAt
  t.ok(passed < drainMs + graceMs, `it has ended after ${Math.round(passed)} ms`)
  await until(() => ends.length === living)
  t.same(new Set(ends.map(({ code }) => code)), new Set([1001]))
  const quarters = [0, 1, 2, 3].map((quarter) => ends.filter(({ at }) => Math.min(3, Math.floor((at - startedAt) / drainMs * 4)) === quarter).length)
  for (const quarter of quarters) t.ok(quarter > living * 0.15 && quarter < living * 0.4, `by quarters of the time: ${quarters.join(', ')}`)
})
