import t, { type Test } from 'tap'
import fastify from 'fastify'
import { readConfig } from '../../src/settings.js'
import { signalbox } from '../../src/index.js'
import { eventually } from '../cluster/nodes.js'
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

t.test('a worker of several without REDIS_URL is warned about', async (t) => {
  const { NODE_APP_INSTANCE: before } = process.env
  t.teardown(() => { if (before === undefined) delete process.env.NODE_APP_INSTANCE })
  t.equal((await logged(t, {})).told(/REDIS_URL/), 0)
  process.env.NODE_APP_INSTANCE = '1'
  t.equal((await logged(t, {})).told(/REDIS_URL/), 1)
  const { url } = await startRedis(t)
  t.equal((await logged(t, { REDIS_URL: url })).told(/REDIS_URL/), 0)
})
