import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { build, connect, type Env, refusal, until, urlOf } from '../helper.js'
import { startCluster, startRedis } from '../redis.js'

async function two (t: Test, REDIS_URL: string, env: Env = {}): Promise<[one: FastifyInstance, other: FastifyInstance]> {
  return [await build(t, { CONNECT_RATE: '2', ...env, REDIS_URL }), await build(t, { CONNECT_RATE: '2', ...env, REDIS_URL })]
}

const statusOf = async (app: FastifyInstance, path: string) => (await fetch(urlOf(app) + path)).status
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

t.test('handshakes and REST calls are counted over all nodes, apart from each other', async (t) => {
  const { url, client } = await startRedis(t)
  const [one, other] = await two(t, url)
  await connect(t, one, '/tom')
  await connect(t, other, '/drone')
  for (const app of [one, other]) {
    const { status, headers } = await refusal(t, app, '/rooms')
    t.equal(status, 429)
    t.ok(Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 90)
  }
  t.same([await statusOf(one, '/tom/id'), await statusOf(other, '/tom/id'), await statusOf(one, '/tom/id')], [200, 200, 429])
  t.same((await client.keys('*rate*')).sort(), ['sb:rate:handshake 127.0.0.1', 'sb:rate:rest 127.0.0.1'])
  for (const key of await client.keys('*rate*')) {
    const ms = await client.pttl(key)
    t.ok(ms > 0 && ms <= 60_000, `${key} expires`)
  }
})

t.test('the addresses of one /64 network are one client, on every node', async (t) => {
  const { url } = await startRedis(t)
  const [one, other] = await two(t, url, { TRUST_PROXY: '127.0.0.1' })
  await connect(t, one, '/tom', from('2001:db8:1:2::1'))
  await connect(t, other, '/tom', from('2001:db8:1:2:ffff::2'))
  t.equal((await refusal(t, one, '/tom', from('2001:db8:1:2::3'))).status, 429)
  await connect(t, one, '/tom', from('2001:db8:1:3::1'))
})

t.test('a Redis Cluster counts for all nodes', async (t) => {
  const { urls } = await startCluster(t)
  const [one, other] = await two(t, urls.join(','), { TRUST_PROXY: '127.0.0.1' })
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1']) {
    await connect(t, one, '/tom', from(address))
    await connect(t, other, '/tom', from(address))
    t.equal((await refusal(t, one, '/tom', from(address))).status, 429, address)
  }
})

t.test('without Redis each node counts for itself, and nobody is refused because of Redis', async (t) => {
  const { url, process } = await startRedis(t)
  const [one, other] = await two(t, url)
  process.kill('SIGKILL')
  await once(process, 'exit')
  for (const app of [one, other]) {
    await until(async () => await statusOf(app, '/ready') === 503)
    await connect(t, app, '/tom')
    await connect(t, app, '/tom')
    t.equal((await refusal(t, app, '/tom')).status, 429)
  }
})

t.test('handshakes are let in while Redis does not answer, and soon without waiting for it', async (t) => {
  const { url, process } = await startRedis(t)
  const app = await build(t, { CONNECT_RATE: '1000', REDIS_URL: url })
  process.kill('SIGSTOP')
  await Promise.all(Array.from({ length: 20 }, async () => await connect(t, app, '/tom')))
  await until(async () => await statusOf(app, '/ready') === 503)
  const before = performance.now()
  await connect(t, app, '/tom')
  t.ok(performance.now() - before < 900, 'well before an answer could be given up')
})
