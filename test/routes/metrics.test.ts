import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { bearing, withSecret } from '../auth/tokens.js'
import { build, connect, refusal, until, urlOf } from '../helper.js'
import { startRedis } from '../redis.js'

const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
const documented = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \|$/gm)].map(([, name, type, help]) => ({ name, type, help }))

async function scrape (app: FastifyInstance, token?: string): Promise<string> {
  return await (await fetch(`${urlOf(app)}/metrics`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })).text()
}

function told (text: string) {
  const helps = [...text.matchAll(/^# HELP (\w+) (.*)$/gm)]
  const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]))
  return helps.map(([, name, help]) => ({ name, type: types.get(name), help }))
}

function valueOf (text: string, series: string): number {
  const line = text.split('\n').find((line) => line.startsWith(`${series} `))
  return Number(line?.slice(series.length))
}

t.test('docs/metrics.md and the code name the same metrics', async (t) => {
  const { url } = await startRedis(t)
  const app = await build(t, { REDIS_URL: url, BRIDGE: 'peerjs-drone' })
  t.same(told(await scrape(app)), documented)
})

t.test('two apps in one process each have their own metrics beside those of the process', async (t) => {
  const apps = [await build(t), await build(t)] as const
  await connect(t, apps[0], '/tom')
  const texts = await Promise.all(apps.map(async (app) => await scrape(app)))
  t.same(texts.map((text) => valueOf(text, 'signalbox_connections{dialect="tom"}') || 0), [1, 0])
  for (const text of texts) {
    t.ok(valueOf(text, 'process_resident_memory_bytes') > 1_000_000)
    t.notMatch(text, /process_open_fds|nodejs_active_/, 'nothing that lists every socket')
  }
  await apps[0].close()
  t.match(await scrape(apps[1]), 'nodejs_gc_duration_seconds')
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
  t.equal(valueOf(text, 'signalbox_connections{dialect="peerjs"}'), 1)
  t.equal(valueOf(text, 'signalbox_room_members_max'), 1)
  t.equal(valueOf(text, 'signalbox_peers'), 1)
  t.equal(valueOf(text, 'signalbox_rooms'), 1)
  t.equal(valueOf(text, 'signalbox_mailboxes'), 1)
  t.equal(valueOf(text, 'signalbox_mailbox_bytes'), JSON.stringify({ type: 'OFFER', src: 'alice', dst: 'nobody', payload: 'sdp' }).length)
  t.equal(valueOf(text, 'signalbox_closes_total{code="1008",by="server"}'), 1)
})

t.test('frames are counted by dialect and type, in and out, and errors by what was said', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await connect(t, app, '/tom'), await connect(t, app, '/tom')]
  for (const [client, id] of [[alice, 'alice'], [bob, 'bob']] as const) {
    client.send({ type: 'register', nodeId: id, username: id })
    await client.nextThat(({ type, participants }) => type === 'participants' && JSON.stringify(participants).includes(id))
  }
  alice.send({ type: 'signal', from: 'alice', to: 'bob' })
  await bob.nextOf('signal')
  // As Python writes it, and with the type behind everything else.
  alice.send('{"type": "signal", "from": "alice", "to": "bob"}')
  await bob.nextOf('signal')
  alice.send('{"from":"alice","to":"bob","type":"signal"}')
  await bob.nextOf('signal')
  alice.send({ type: 'signal', from: 'alice', to: 'nobody' })
  alice.send({ type: 'hunter2' })
  alice.send('hunter2')
  alice.send({ type: 'signal' })
  for (let errors = 0; errors < 4; errors++) await alice.nextOf('error')
  const text = await scrape(app)
  t.equal(valueOf(text, 'signalbox_frames_received_total{type="register",dialect="tom"}'), 2)
  t.equal(valueOf(text, 'signalbox_frames_received_total{type="signal",dialect="tom"}'), 4)
  t.equal(valueOf(text, 'signalbox_frames_sent_total{type="signal",dialect="tom"}'), 3)
  t.equal(valueOf(text, 'signalbox_frames_sent_total{type="error",dialect="tom"}'), 4)
  t.equal(valueOf(text, 'signalbox_frames_sent_total{type="presence",dialect="tom"}'), 1)
  for (const error of ['peer not found', 'unknown type', 'invalid JSON', 'missing to or from']) {
    t.equal(valueOf(text, `signalbox_errors_total{error="${error}",dialect="tom"}`), 1, error)
  }
  t.equal(valueOf(text, 'signalbox_registrations_total{dialect="tom"}'), 2)
  t.notMatch(text, 'hunter2')
})

t.test('clients cannot make the number of series grow', async (t) => {
  const app = await build(t)
  const paths = ['/tom', '/rooms', '/drone', '/psync/ws', '/peerjs?key=peerjs&id=a&token=t']
  const clients = await Promise.all(paths.map(async (path) => await connect(t, app, path)))
  // Not those of the process, such as the kinds of garbage collection, which appear in time.
  const series = async () => (await scrape(app)).split('\n').filter((line) => line.startsWith('signalbox_')).length
  const flood = async (round: string) => {
    for (const client of clients) {
      client.taken()
      for (let at = 0; at < 100; at++) client.send({ type: `${round}${at}`, target: `${round}${at}`, dst: `${round}${at}` })
      client.send(`end of ${round}`)
      for (let at = 0; at < 101; at++) await client.nextThat(({ type }) => /error/i.test(String(type)))
    }
  }
  await flood('one')
  const before = await series()
  await flood('two')
  t.equal(await series(), before)
})

t.test('how long a relay takes and how late the event loop is are histograms', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/drone')
  for (let at = 0; at < 10; at++) alice.send({ type: 'ping' })
  for (let at = 0; at < 10; at++) await alice.nextOf('pong')
  await until(async () => valueOf(await scrape(app), 'signalbox_event_loop_delay_seconds_count') > 0)
  const text = await scrape(app)
  t.equal(valueOf(text, 'signalbox_relay_latency_seconds_count'), 10)
  t.equal(valueOf(text, 'signalbox_relay_latency_seconds_bucket{le="+Inf"}'), 10)
  t.ok(valueOf(text, 'signalbox_relay_latency_seconds_sum') > 0)
  const buckets = [...text.matchAll(/^signalbox_relay_latency_seconds_bucket\{le="[^"]+"\} (\d+)$/gm)].map(([, count]) => Number(count))
  t.same(buckets, [...buckets].sort((one, other) => one - other), 'each bound counts what is below it too')
})

t.test('refusals, drops and sockets held back are counted by reason', async (t) => {
  const app = await build(t, {
    ALLOWED_ORIGINS: 'https://good.test',
    MAX_CLIENTS: '1',
    MESSAGE_RATE: '20',
    MESSAGE_BURST: '1',
    MAILBOX_MAX_MESSAGES: '1'
  })
  t.equal((await refusal(t, app, '/tom', { origin: 'https://bad.test' })).status, 403)
  const alice = await connect(t, app, '/peerjs?key=peerjs&id=alice&token=t')
  await (await connect(t, app, '/tom')).closed
  for (let at = 0; at < 3; at++) alice.send({ type: 'OFFER', dst: 'nobody' })
  for (let at = 0; at < 2; at++) await alice.nextOf('EXPIRE')
  const text = await scrape(app)
  t.equal(valueOf(text, 'signalbox_refusals_total{reason="origin"}'), 1)
  t.equal(valueOf(text, 'signalbox_refusals_total{reason="max_clients"}'), 1)
  t.equal(valueOf(text, 'signalbox_drops_total{reason="mailbox_full"}'), 2)
  t.ok(valueOf(text, 'signalbox_held_back_total') >= 2)
})

t.test('with a token set, only who sends it reads the metrics', async (t) => {
  const app = await build(t, { METRICS_TOKEN: 'hunter2' })
  const status = async (headers: Record<string, string>, query = '') => (await fetch(`${urlOf(app)}/metrics${query}`, { headers })).status
  t.equal(await status({}), 401)
  t.equal(await status({ authorization: 'Bearer hunter' }), 401)
  t.equal(await status({}, '?token=hunter2'), 401, 'not in the address, which ends in logs')
  t.equal(await status({ authorization: 'Bearer hunter2' }), 200)
})

t.test('with auth on, only an administrator reads the metrics', async (t) => {
  const app = await build(t, withSecret)
  const status = async (headers: Record<string, string>) => (await fetch(`${urlOf(app)}/metrics`, { headers })).status
  t.equal(await status({}), 401)
  t.equal(await status(bearing({ sub: 'alice', roles: ['discover'] }).headers), 401)
  t.equal(await status(bearing({ sub: 'alice', roles: ['admin'] }).headers), 200)
  const both = await build(t, { ...withSecret, METRICS_TOKEN: 'hunter2' })
  t.match(await scrape(both, 'hunter2'), 'signalbox_connections')
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
