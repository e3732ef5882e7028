import t from 'tap'
import { freePort } from '../../scripts/ports.js'
import { build, type Env, until, urlOf } from '../helper.js'
import { start } from '../process.js'
import { replicating, startRedis } from '../redis.js'
import { withSecret } from '../auth/tokens.js'
import { examine, names, type Report } from './examine.js'
import { nginx, right } from './nginx.js'

async function examineWith (url: string, more: Env = {}): Promise<Report> {
  return await examine({ ...withSecret, PORT: '0', MAX_CLIENTS: '100', REDIS_URL: url, ...more })
}

t.test('a Redis as it should be is fine', async (t) => {
  const { url } = await startRedis(t)
  const { of } = await examineWith(url)
  for (const name of ['reachable', 'version', 'writable', 'eviction', 'clock']) t.equal(of(name)[0]?.status, 'ok', name)
})

t.test('a Redis that nobody reaches is named, and nothing else is looked at', async (t) => {
  const report = await examineWith(`redis://127.0.0.1:${await freePort()}`)
  names(t, report, 'reachable', { says: /^REDIS_URL: ECONNREFUSED/, fix: /check that Redis runs/ })
  t.equal(report.of('writable')[0]?.status, 'skipped')
  names(t, await examineWith('redis://nowhere.invalid'), 'reachable', { fix: /check the host in REDIS_URL/, says: /ENOTFOUND|EAI_AGAIN/ })
})

t.test('a wrong password is named, and not shown', async (t) => {
  const { port, client } = await startRedis(t)
  await client.config('SET', 'requirepass', 'right-hunter2')
  for (const url of [`redis://:wrong-hunter2@127.0.0.1:${port}`, `redis://127.0.0.1:${port}`]) {
    const report = await examineWith(url)
    names(t, report, 'reachable', { says: /WRONGPASS|NOAUTH|AUTH/, fix: /check the user and the password/ })
    t.notMatch(JSON.stringify(report.results), /hunter2/)
  }
})

t.test('a replica that takes no writes is named', async (t) => {
  const [master, replica] = [await startRedis(t, undefined, replicating), await startRedis(t, undefined, replicating)]
  await replica.client.call('REPLICAOF', '127.0.0.1', String(master.port))
  await until(async () => (await replica.client.info('replication')).includes('master_link_status:up'))
  names(t, await examineWith(replica.url), 'writable', { says: /READONLY/, fix: /REDIS_URL leads to a replica/ })
})

t.test('a Redis that may delete keys is warned about', async (t) => {
  const { url } = await startRedis(t, undefined, ['--maxmemory-policy', 'allkeys-lru'])
  names(t, await examineWith(url), 'eviction', { status: 'warning', says: /allkeys-lru/, fix: /maxmemory-policy noeviction/ })
})

t.test('a deployment that has lost its Redis is named from outside', async (t) => {
  const { url, process } = await startRedis(t)
  const app = await build(t, { ...withSecret, REDIS_URL: url })
  process.kill('SIGKILL')
  await until(() => !app.state.isReady)
  names(t, await examine(withSecret, urlOf(app)), 'ready', { says: /no redis/, fix: /signalbox doctor/ })
})

t.test('two nodes on one Redis are one deployment', async (t) => {
  const { url } = await startRedis(t)
  const env: Env = { ...withSecret, REDIS_URL: url, TRUST_PROXY: '127.0.0.1' }
  const ports = [(await start(t, env)).port, (await start(t, env)).port]
  const { of } = await examine(withSecret, await nginx(t, `location / { proxy_pass http://nodes; ${right.join(' ')} }`, ports))
  t.match(of('nodes'), [{ says: '2 processes answer' }])
  for (const name of ['peerjs', 'rooms', 'psync', 'drone', 'tom']) t.match(of(name), [{ status: 'ok', says: /in 6 pairs over the nodes/ }])
  for (const name of ['client address', 'claimed address']) t.equal(of(name)[0]?.status, 'ok', name)
})

t.test('a deployment on Redis is fine from outside', async (t) => {
  const { url } = await startRedis(t)
  const { of } = await examine(withSecret, urlOf(await build(t, { ...withSecret, REDIS_URL: url })))
  for (const name of ['ready', 'peerjs', 'rooms', 'psync', 'drone', 'tom']) t.equal(of(name)[0]?.status, 'ok', name)
})
