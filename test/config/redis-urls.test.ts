import { inspect } from 'node:util'
import t from 'tap'
import { ConfigError } from '../../src/config/config-error.js'
import { type RedisServers, redisServers } from '../../src/config/redis-urls.js'

/** Without what may not be printed. */
function read (...urls: string[]): Omit<RedisServers, 'secrets'> {
  const { secrets, ...rest } = redisServers(urls)
  return rest
}

const one = { kind: 'one', db: 0, family: 0, isTls: false } as const
const sentinels = { ...one, kind: 'sentinels', master: 'name' } as const
const at = (host: string, port = 6379) => ({ addresses: [{ host, port }] })

const accepted: ReadonlyArray<[url: string, servers: object]> = [
  ['redis://redis.test', { ...one, ...at('redis.test') }],
  ['redis://redis.test:6380/', { ...one, ...at('redis.test', 6380) }],
  ['redis://redis.test/3', { ...one, ...at('redis.test'), db: 3 }],
  ['redis://redis.test?db=4', { ...one, ...at('redis.test'), db: 4 }],
  ['redis://redis.test/?family=6', { ...one, ...at('redis.test'), family: 6 }],
  ['redis://127.0.0.1:1', { ...one, ...at('127.0.0.1', 1) }],
  ['redis://[::1]:7000', { ...one, ...at('::1', 7000) }],
  ['rediss://redis.test', { ...one, ...at('redis.test'), isTls: true }],
  ['redis://user:pass@redis.test', { ...one, ...at('redis.test'), username: 'user', password: 'pass' }],
  ['redis://user@redis.test', { ...one, ...at('redis.test'), username: 'user' }],
  ['redis://:pass@redis.test', { ...one, ...at('redis.test'), password: 'pass' }],
  ['redis://:p%40s%2Fs%3a@redis.test', { ...one, ...at('redis.test'), password: 'p@s/s:' }],
  ['redis://:a:b@c@redis.test', { ...one, ...at('redis.test'), password: 'a:b@c' }],
  ['redis+unix:///run/redis.sock', { ...one, addresses: [{ path: '/run/redis.sock' }] }],
  ['redis+unix://:pass@/run/a%20b.sock?db=2', { ...one, addresses: [{ path: '/run/a b.sock' }], password: 'pass', db: 2 }],
  ['redis-sentinel://s.test/name', { ...sentinels, ...at('s.test', 26379) }],
  ['redis-sentinel://s.test:1,t.test,[::1]:2/name/5', {
    ...sentinels, db: 5, addresses: [{ host: 's.test', port: 1 }, { host: 't.test', port: 26379 }, { host: '::1', port: 2 }]
  }],
  ['redis-sentinel://s.test/a%20name?db=1', { ...sentinels, ...at('s.test', 26379), master: 'a name', db: 1 }],
  ['rediss-sentinel://user:pass@s.test/name?sentinelUsername=su&sentinelPassword=s+%2B', {
    ...sentinels, ...at('s.test', 26379), isTls: true, username: 'user', password: 'pass', sentinelUsername: 'su', sentinelPassword: 's++'
  }]
]

for (const [url, servers] of accepted) {
  t.test(`${url} is taken`, async (t) => { t.strictSame(read(url), servers) })
}

t.test('several URLs are a cluster, with the credentials of the first', async (t) => {
  t.strictSame(read('rediss://user:pass@a.test:7000', 'rediss://b.test'), {
    ...one,
    kind: 'cluster',
    addresses: [{ host: 'a.test', port: 7000 }, { host: 'b.test', port: 6379 }],
    username: 'user',
    password: 'pass',
    isTls: true
  })
  t.equal(read('redis://a.test', 'redis://a.test').kind, 'cluster', 'also with one address for all')
})

const escaping = 'with special characters of the password as %XX'
const forms = {
  one: `redis://user:password@host:port/database, ${escaping}`,
  database: 'redis://user:password@host:port/database, with the number of a database',
  sentinels: `redis-sentinel://user:password@host:port,host:port/name/database, ${escaping}`,
  socket: `redis+unix://user:password@/path?db=database, ${escaping}`,
  options: 'no options but ?db=number&family=4|6, and with sentinels sentinelUsername and sentinelPassword',
  twice: 'a database in the path or as ?db=, not both',
  cluster: 'several URLs of redis:// or rediss:// only, the nodes of a Redis Cluster',
  clusterDatabase: 'several URLs without a database, since a Redis Cluster has database 0 only',
  clusterTls: 'several URLs that all begin with redis://, or all with rediss://'
}

/** In each place of these URLs, and in no message. */
const s = 'qxzjqxzj'

const refused: ReadonlyArray<[expected: string, ...urls: string[]]> = [
  [forms.one],
  [forms.one, s],
  [forms.one, `http://${s}`],
  [forms.one, `REDIS://${s}`],
  [forms.one, `redis:${s}`],
  [forms.one, 'redis://'],
  [forms.one, `redis://${s}:${s}@`],
  [forms.one, `redis://${s}:${s}`],
  [forms.one, `redis://${s}:0`],
  [forms.one, `redis://${s}:65536`],
  [forms.one, `redis://${s}.test,${s}`],
  [forms.one, `redis://[${s}]`],
  [forms.one, `redis://:${s}%@host`],
  [forms.one, `redis://:${s}%zz@host`],
  [forms.one, `redis://:${s} @host`],
  [forms.one, `redis://:${s}@host/1#${s}`],
  [forms.one, `redis://:${s}#@host`],
  [forms.one, `redis://:${s}/@host`],
  [forms.database, `redis://:${s}@host/${s}`],
  [forms.database, `redis://:${s}@host/-1`],
  [forms.database, `redis://:${s}@host/1/2`],
  [forms.options, `redis://:${s}@host?${s}=1`],
  [forms.options, `redis://:${s}@host?db=${s}`],
  [forms.options, `redis://:${s}@host?family=5`],
  [forms.options, `redis://:${s}@host?db=1&db=2`],
  [forms.options, `redis://host?password=${s}`],
  [forms.options, `redis://host?sentinelPassword=${s}`],
  [forms.options, `redis+unix://:${s}@/path?family=4`],
  [forms.options, `redis-sentinel://host/name?${s}`],
  [forms.twice, `redis://:${s}@host/1?db=1`],
  [forms.twice, `redis-sentinel://:${s}@host/name/1?db=1`],
  [forms.sentinels, `redis-sentinel://:${s}@host`],
  [forms.sentinels, `redis-sentinel://:${s}@host/`],
  [forms.sentinels, `redis-sentinel://:${s}@host/name/${s}`],
  [forms.sentinels, `redis-sentinel://:${s}@host,/name`],
  [forms.sentinels, `redis-sentinel://:${s}@host/${s}%`],
  [forms.sentinels, `rediss-sentinel://:${s}@/name`],
  [forms.socket, `redis+unix://:${s}@host/path`],
  [forms.socket, `redis+unix://:${s}@/`],
  [forms.socket, `redis+unix://${s}`],
  [forms.cluster, `redis://:${s}@a`, `redis-sentinel://:${s}@b/name`],
  [forms.cluster, `redis+unix://:${s}@/path`, `redis://:${s}@b`],
  [forms.clusterDatabase, `redis://:${s}@a/1`, `redis://:${s}@b`],
  [forms.clusterTls, `redis://:${s}@a`, `rediss://:${s}@b`]
]

for (const [expected, ...urls] of refused) {
  t.test(`${urls.join(',').replaceAll(s, '***')} is refused, with what would be right and without itself`, async (t) => {
    try {
      t.notOk(redisServers(urls))
    } catch (error) {
      t.ok(error instanceof ConfigError)
      t.equal((error as Error).message, `REDIS_URL: invalid value (hidden), expected ${expected}`)
      t.notOk(inspect(error).includes(s.slice(0, 4)))
    }
  })
}

t.test('all parts of a URL are secrets, as written and decoded', async (t) => {
  const { secrets } = redisServers(['redis-sentinel://us%65r:p%40ss@s.test/name?sentinelPassword=%73entinel'])
  for (const part of ['us%65r', 'user', 'p%40ss', 'p@ss', 's.test', 'name', 'sentinel']) t.ok(secrets.includes(part), part)
})
