import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import type { Redis } from 'ioredis'
import { freePort } from '../../scripts/ports.js'
import { ConfigError } from '../../src/config/config-error.js'
import { Keys, slotOf } from '../../src/state/redis/keys.js'
import { headOf } from '../../src/state/redis/messages.js'
import { RedisDown, RedisLink } from '../../src/state/redis/link.js'
import { leaveScript } from '../../src/state/redis/scripts/membership.js'
import { wayTo } from '../cluster/nodes.js'
import { until } from '../helper.js'
import { type RedisServer, startCluster, startRedis } from '../redis.js'
import { standStill } from '../timing/stand-still.js'

const password = 'tr0ub/4dor'
const encoded = encodeURIComponent(password)

const letter = (text: string) => headOf(['frame', 'room', 'to', 'from'], 'offer') + text

interface Watched {
  readonly link: RedisLink
  /** What was logged, or written past the log, with everything that was in it. */
  readonly said: string[]
  /** `up` and `down`, and the bodies of messages. */
  readonly heard: string[]
}

/** A link that has tried to connect, closed with the test. */
async function linkTo (t: Test, ...urls: string[]): Promise<Watched> {
  const said: string[] = []
  const heard: string[] = []
  const say = (...told: unknown[]) => { said.push(inspect(told, { depth: 10 })) }
  t.intercept(console, 'error', { value: say })
  t.intercept(console, 'warn', { value: say })
  const link = new RedisLink(urls, { error: say, warn: say, info: say, debug: say })
  t.teardown(async () => await link.close())
  await link.start('node', {
    onMessage: (message) => { if (message.kind === 'frame') heard.push(String(message.frame.payload)) },
    onUp: () => { heard.push('up') },
    onDown: () => { heard.push('down') }
  })
  return { link, said, heard }
}

/** The link says why it is down, and not what it sent. */
function explains (t: Test, { link, said }: Watched, reason: RegExp): void {
  t.equal(link.isUp, false)
  t.match(said.join(), reason)
  t.notMatch(said.join(), '4dor', 'without the password')
}

t.test('the log says why Redis lets nobody in, and does not hold the password', async (t) => {
  const { port, client } = await startRedis(t)
  await client.config('SET', 'requirepass', password)
  const at = (who: string) => `redis://${who}127.0.0.1:${port}`
  await t.test('without a password', async (t) => explains(t, await linkTo(t, at('')), /NOAUTH/))
  await t.test('with a wrong one', async (t) => explains(t, await linkTo(t, at(`:not${encoded}@`)), /WRONGPASS/))
  await t.test('as nobody it knows', async (t) => explains(t, await linkTo(t, at(`nobody:${encoded}@`)), /WRONGPASS/))
  await t.test('with the right one it is up', async (t) => t.equal((await linkTo(t, at(`:${encoded}@`))).link.isUp, true))
  await t.test('as a user by name too', async (t) => t.equal((await linkTo(t, at(`default:${encoded}@`))).link.isUp, true))
})

t.test('nodes of a cluster that no URL names get the same password', async (t) => {
  const { nodes, urls } = await startCluster(t)
  for (const { client } of nodes) await client.config('SET', 'requirepass', password)
  const at = (who: string, url: string) => url.replace('//', `//${who}@`)
  const right = at(`:${encoded}`, urls[0] as string)
  t.equal((await linkTo(t, right, right)).link.isUp, true)
  explains(t, await linkTo(t, ...urls.map((url) => at(`:not${encoded}`, url))), /WRONGPASS/)
})

t.test('the log says that nobody answers', async (t) => {
  explains(t, await linkTo(t, `redis://:${encoded}@127.0.0.1:${await freePort()}`), /ECONNREFUSED/)
  const urls = [await freePort(), await freePort()].map((port) => `redis://:${encoded}@127.0.0.1:${port}`)
  explains(t, await linkTo(t, ...urls), /no node of the cluster can be reached/)
  const nowhere = `redis://:${encoded}@nowhere.invalid`
  explains(t, await linkTo(t, nowhere), /ENOTFOUND|EAI_AGAIN/)
  explains(t, await linkTo(t, nowhere, nowhere), /ENOTFOUND|EAI_AGAIN/)
})

t.test('the log says that several URLs name no cluster', async (t) => {
  const { url } = await startRedis(t)
  explains(t, await linkTo(t, url, url), /cluster support disabled/)
})

t.test('a database is used that exists, and no other in its place', async (t) => {
  const { url, client } = await startRedis(t)
  const { link } = await linkTo(t, `${url}/3`)
  await link.command(async (client) => await client.set('key', 'value'))
  t.equal(await client.get('key'), null)
  await client.select(3)
  t.equal(await client.get('key'), 'value')
  explains(t, await linkTo(t, `${url}/99`), /DB index is out of range/)
})

t.test('rediss is TLS, with a certificate that must be trusted', async (t) => {
  const dir = t.testdir()
  const [key, cert] = [`${dir}/key.pem`, `${dir}/cert.pem`]
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-days', '2'
  ], { stdio: 'ignore' })
  const port = await freePort()
  await startRedis(t, undefined, [
    '--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key,
    '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no'
  ])
  const url = `rediss://127.0.0.1:${port}`
  explains(t, await linkTo(t, url), /self.signed certificate/)
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  t.teardown(() => { delete process.env.NODE_TLS_REJECT_UNAUTHORIZED })
  t.equal((await linkTo(t, url)).link.isUp, true)
})

for (const urls of [
  [`redis://:${encoded}@host:port`],
  [`redis://:${password}%zz@host`],
  [`redis://:${encoded}@host/database`],
  [`redis://:${encoded}@host/1`, 'redis://other']
]) {
  t.test(`${urls.join().replace(encoded, '***').replace(password, '***')} is refused without telling the password`, async (t) => {
    const log = { error () {}, warn () {}, info () {}, debug () {} }
    try {
      t.notOk(new RedisLink(urls, log))
    } catch (error) {
      t.ok(error instanceof ConfigError)
      t.match((error as Error).message, /^REDIS_URL: invalid value \(hidden\), expected /)
      t.notMatch(inspect(error), '4dor')
    }
  })
}

t.test('a link that lost its listening connection starts over and listens to nothing of before', async (t) => {
  const { url, client } = await startRedis(t)
  const { link, heard } = await linkTo(t, url)
  await link.subscribe('before')
  await client.publish('before', letter('first'))
  await until(() => heard.includes('first'))
  await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until(() => heard.length === 4)
  t.same(heard, ['up', 'first', 'down', 'up'])
  t.same(await client.pubsub('CHANNELS'), ['{sb:0}:probe:node'])
  await link.subscribe('after')
  await client.publish('before', letter('lost'))
  await client.publish('after', letter('second'))
  await until(() => heard.includes('second'))
  t.notOk(heard.includes('lost'))
})

t.test('what Redis had handed over when a link went down is heard, and from then on nobody is told that this node listens', async (t) => {
  const redis = await startRedis(t)
  const way = await wayTo(t, redis)
  const { link, heard } = await linkTo(t, way.url)
  await link.subscribe('channel')
  way.freeze('listening')
  t.equal(await redis.client.publish('channel', letter('on its way')), 1)
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal')
  await until(() => !link.isUp)
  way.thaw()
  await until(() => heard.includes('on its way'))
  await until(async () => await redis.client.publish('channel', letter('late')) === 0)
  t.same(heard.filter((what) => what !== 'late').slice(0, 3), ['up', 'down', 'on its way'])
})

t.test('a link that is closed hears what Redis had handed over', async (t) => {
  const redis = await startRedis(t)
  const way = await wayTo(t, redis)
  const { link, heard } = await linkTo(t, way.url)
  await link.subscribe('channel')
  way.freeze('listening')
  t.equal(await redis.client.publish('channel', letter('on its way')), 1)
  const closed = link.close()
  way.thaw()
  await closed
  t.same(heard, ['up', 'on its way'])
})

t.test('the slot of a channel is that of Redis', async (t) => {
  const { nodes: [node] } = await startCluster(t)
  const { client } = node as RedisServer
  for (const tag of new Keys(0, true).tags) t.equal(slotOf(`${tag}:node:x`), await client.cluster('KEYSLOT', `${tag}:node:x`))
})

t.test('a Redis that stops answering fails what waits for it in time, then everything at once, until it answers again', async (t) => {
  const { url, process } = await startRedis(t)
  const { link, heard } = await linkTo(t, url)
  const ask = async () => await link.command(async (client) => await (client as Redis).ping())
  t.equal(await ask(), 'PONG')
  process.kill('SIGSTOP')
  await t.rejects(ask(), RedisDown)
  await until(() => !link.isUp)
  t.same(heard, ['up', 'down'])
  await t.rejects(link.run(leaveScript, ['a', 'b', 'c']), RedisDown)
  await t.rejects(link.subscribe('channel'), RedisDown)
  process.kill('SIGCONT')
  await until(() => link.isUp)
  t.equal(await ask(), 'PONG')
})

t.test('a link comes back to a Redis that starts later, and says once in an outage what is wrong', async (t) => {
  const port = await freePort()
  const { link, said } = await linkTo(t, `redis://127.0.0.1:${port}`)
  t.equal(link.isUp, false)
  const refusals = () => said.filter((line) => line.includes('ECONNREFUSED')).length
  t.equal(refusals(), 1)
  await startRedis(t, port)
  await until(() => link.isUp)
  t.equal(refusals(), 1)
  t.ok(link.roundTripMs > 0)
})

t.test('a closed link has no connection and makes none', async (t) => {
  const { url, client, port, process } = await startRedis(t)
  const { link, said } = await linkTo(t, url)
  await link.close()
  const others = async (client: Redis) => String(await client.call('CLIENT', 'LIST', 'TYPE', 'normal')).trim().split('\n').length - 1
  await until(async () => await others(client) === 0)
  const later = await linkTo(t, url)
  process.kill('SIGKILL')
  await once(process, 'exit')
  await until(() => !later.link.isUp)
  await later.link.close()
  const count = said.length + later.said.length
  const again = await startRedis(t, port)
  const { link: last } = await linkTo(t, url)
  t.equal(last.isUp, true, 'by then a link that tries would have come back')
  await last.close()
  await until(async () => await others(again.client) <= 1)
  t.equal(said.length + later.said.length, count, 'and says nothing more')
})

t.test('a process that stood still reads what has come before it gives anything up', async (t) => {
  const { url } = await startRedis(t)
  const { link, heard } = await linkTo(t, url)
  for (let times = 0; times < 3; times++) {
    // In each phase of a probe: it is on its way when nobody reads.
    const answer = link.command(async (client) => await client.echo(`still there ${times}`))
    await new Promise((resolve) => setImmediate(resolve))
    standStill(1_900 + times * 170)
    t.equal(await answer, `still there ${times}`)
  }
  t.equal(link.isUp, true)
  t.same(heard, ['up'])
})
