import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { until } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from './dialects.js'
import type { Report } from './soak-server.js'

const warmUp = 2_000
const total = 5_000
/** Peers of one dialect that are there at the same time. */
const crowd = 20

/** The smallest timeouts, so that what expires has expired soon. */
const env = {
  LOG_LEVEL: 'silent',
  CONNECT_RATE: '1000000',
  ROOM_EMPTY_TTL_MS: '500',
  ROOM_TIMEOUT_MS: '1000',
  SESSION_TIMEOUT_MS: '1000',
  PEERJS_EXPIRE_TIMEOUT: '500',
  PSYNC_PEER_LEFT: 'true'
}

t.test('5 000 clients that come and go leave nothing behind', { timeout: 110_000 }, async (t) => {
  const { child, port } = await startServer(t)
  await comeAndGo(t, port, warmUp)
  const before = await untilEmpty(child)
  await comeAndGo(t, port, total)
  const after = await untilEmpty(child)
  t.same(after.held, Object.fromEntries(Object.keys(after.held).map((name) => [name, 0])))
  const growth = after.heapBytes / before.heapBytes - 1
  t.comment(`heap ${Math.round(before.heapBytes / 1024)} KiB before, ${Math.round(after.heapBytes / 1024)} KiB after`)
  t.ok(growth < 0.1, `the heap has grown by ${(growth * 100).toFixed(1)} %`)
})

async function startServer (t: Test): Promise<{ child: ChildProcess, port: number }> {
  const child = fork(fileURLToPath(new URL('soak-server.ts', import.meta.url)), {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    execArgv: ['--expose-gc', '--import', 'tsx']
  })
  t.teardown(() => child.kill())
  const [port] = await once(child, 'message') as [number]
  return { child, port }
}

/** What the server holds once nothing is left in it, or after all patience what still is. */
async function untilEmpty (child: ChildProcess): Promise<Report> {
  let report: Report | undefined
  await until(async () => {
    child.send('report')
    report = (await once(child, 'message') as [Report])[0]
    return Object.values(report.held).every((count) => count === 0)
  }).catch(() => {})
  return report as Report
}

/** Crowds of all dialects at once, one after the other. */
async function comeAndGo (t: Test, port: number, clients: number): Promise<void> {
  for (let done = 0; done < clients; done += crowd * builtIn.length) {
    await Promise.all(builtIn.map(async (subject) => await gather(t, port, subject)))
  }
}

/** A crowd enters, signals and leaves: half of it takes leave, the other half just goes. */
async function gather (t: Test, port: number, subject: Subject): Promise<void> {
  const first = await enter(t, port, subject, 'id-0')
  const others = await Promise.all(Array.from({ length: crowd - 1 }, async (_, n) => {
    return await enter(t, port, subject, `id-${n + 1}`, { place: first.place })
  }))
  const all = [first, ...others]
  for (const [n, actor] of all.entries()) {
    for (const frame of subject.samples(actor.id, `id-${(n + 1) % crowd}`)) {
      if (frame.type !== 'join') actor.send(frame)
    }
    actor.signal('nobody', 'kept mail, where there is such a thing')
    actor.signal('id-0', 'x')
  }
  await Promise.all(all.map(async ({ client }, n) => {
    client.socket.ping()
    // Some have meanwhile been replaced by another that took their id.
    await Promise.race([once(client.socket, 'pong'), client.closed])
    if (n % 2 === 0) await client.close()
    else client.socket.terminate()
  }))
}
