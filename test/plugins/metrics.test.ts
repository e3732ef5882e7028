import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { build, connect, urlOf } from '../helper.js'
import { startRedis } from '../redis.js'

const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
const documented = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \|$/gm)].map(([, name, type, help]) => ({ name, type, help }))

async function scrape (app: FastifyInstance): Promise<string> {
  return await (await fetch(`${urlOf(app)}/metrics`)).text()
}

function told (text: string) {
  const helps = [...text.matchAll(/^# HELP (\w+) (.*)$/gm)]
  const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]))
  return helps.map(([, name, help]) => ({ name, type: types.get(name), help }))
}

function valueOf (text: string, series: string): number {
  const line = text.split('\n').find((line) => line.startsWith(`${series} `))
  return Number(line?.split(' ')[1])
}

t.test('docs/metrics.md and the code name the same metrics', async (t) => {
  const { url } = await startRedis(t)
  const app = await build(t, { REDIS_URL: url })
  t.same(told(await scrape(app)), documented)
})

t.test('in memory there is nothing to tell of other nodes', async (t) => {
  const app = await build(t)
  t.notMatch(await scrape(app), /redis|lease|reaped/)
})

t.test('sockets, peers, rooms, mail and closes are counted', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/peerjs?key=peerjs&id=alice&token=1')
  await alice.nextOf('OPEN')
  alice.send({ type: 'OFFER', dst: 'nobody', payload: 'sdp' })
  await (await connect(t, app, '/peerjs?key=wrong&id=bob&token=1')).closed
  alice.send({ type: '?' })
  await alice.nextOf('ERROR')
  const text = await scrape(app)
  t.equal(valueOf(text, 'signalbox_connections'), 1)
  t.equal(valueOf(text, 'signalbox_peers'), 1)
  t.equal(valueOf(text, 'signalbox_rooms'), 1)
  t.equal(valueOf(text, 'signalbox_mailboxes'), 1)
  t.equal(valueOf(text, 'signalbox_mailbox_bytes'), JSON.stringify({ type: 'OFFER', src: 'alice', dst: 'nobody', payload: 'sdp' }).length)
  t.equal(valueOf(text, 'signalbox_closes_total{code="1008"}'), 1)
})

t.test('with Redis the lease and the round trip are told', async (t) => {
  const { url } = await startRedis(t)
  const app = await build(t, { REDIS_URL: url })
  const text = await scrape(app)
  t.equal(valueOf(text, 'signalbox_ready'), 1)
  t.ok(valueOf(text, 'signalbox_redis_round_trip_seconds') > 0)
  t.ok(valueOf(text, 'signalbox_lease_renewals_total') >= 1)
  t.equal(valueOf(text, 'signalbox_redis_reconnects_total'), 0)
})

t.test('who asks too often is told to wait', async (t) => {
  const app = await build(t, { CONNECT_RATE: '1' })
  t.equal((await fetch(`${urlOf(app)}/metrics`)).status, 200)
  t.equal((await fetch(`${urlOf(app)}/metrics`)).status, 429)
})
