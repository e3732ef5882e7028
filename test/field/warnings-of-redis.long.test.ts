import { once } from 'node:events'
import { type AddressInfo, connect as dial, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import fastify from 'fastify'
import { readConfig } from '../../src/settings.js'
import { signalbox } from '../../src/index.js'
import { countersOf, eventually } from '../cluster/nodes.js'
import { until, type Env } from '../helper.js'
import { startRedis } from '../redis.js'

/** A server, and its log. */
async function logged (t: Test, env: Env) {
  const lines: string[] = []
  const app = fastify({ logger: { level: 'warn', stream: { write: (line: string) => { lines.push(line) } } } })
  app.register(signalbox, { config: readConfig({ MAX_EVENT_LOOP_DELAY: '60000', NODE_LEASE_MS: '1000', ...env }, []) })
  t.teardown(async () => await app.close())
  await app.ready()
  return { app, told: (text: RegExp) => lines.filter((line) => text.test(line)).length }
}

t.test('a Redis that may delete our keys is warned about once, and again when another policy is found', async (t) => {
  const { url, client } = await startRedis(t)
  const { app, told } = await logged(t, { REDIS_URL: url })
  const again = async () => {
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(() => !app.state.isReady)
    await until(() => app.state.isReady)
  }
  t.equal(told(/noeviction/), 0)
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  await again()
  await eventually(() => told(/allkeys-lru/) === 1)
  await again()
  await client.config('SET', 'maxmemory-policy', 'volatile-ttl')
  await again()
  await eventually(() => told(/volatile-ttl/) === 1)
  t.equal(told(/noeviction/), 2)
})

/** The answer to a lease: {1, time, generation, dead nodes...}. */
const renewal = /(:1\r\n\$13\r\n)(\d{13})(\r\n\$36\r\n)/g

/** A way to Redis on which leases hear another time of day. */
async function wayWithClock (t: Test, port: number, aheadMs: () => number): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = dial(port, '127.0.0.1')
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from)
      from.on('error', () => {}).on('close', () => to.destroy())
    }
    near.on('data', (bytes: Buffer) => far.write(bytes))
    far.on('data', (bytes: Buffer) => {
      const told = bytes.toString('latin1').replace(renewal, (_, before: string, ms: string, after: string) => {
        return `${before}${Number(ms) + aheadMs()}${after}`
      })
      near.write(Buffer.from(told, 'latin1'))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('a clock that differs from that of Redis by more than 5 s is warned about once, until it is right again', async (t) => {
  const { port } = await startRedis(t)
  let aheadMs = 3_000
  const { app, told } = await logged(t, { REDIS_URL: await wayWithClock(t, port, () => aheadMs) })
  const renewed = async () => {
    const { renewals } = countersOf(app)
    await until(() => countersOf(app).renewals > renewals + 2)
  }
  await renewed()
  t.equal(told(/the clock of this node differs/), 0)
  for (const [times, ahead] of [[1, 8_000], [2, -8_000]] as const) {
    aheadMs = ahead
    await until(() => told(/the clock of this node differs/) === times)
    await renewed()
    t.equal(told(/the clock of this node differs/), times, 'once')
    t.equal(told(/"differenceMs":(7|8)\d{3},/), times)
    aheadMs = 0
    await renewed()
  }
})

t.test('a worker of several without REDIS_URL is warned about', async (t) => {
  const { NODE_APP_INSTANCE: before } = process.env
  t.teardown(() => { if (before === undefined) delete process.env.NODE_APP_INSTANCE })
  t.equal((await logged(t, {})).told(/REDIS_URL/), 0)
  process.env.NODE_APP_INSTANCE = '1'
  t.equal((await logged(t, {})).told(/REDIS_URL/), 1)
  const { url } = await startRedis(t)
  t.equal((await logged(t, { REDIS_URL: url })).told(/REDIS_URL/), 0)
})
