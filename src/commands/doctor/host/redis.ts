import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Cluster, type Redis } from 'ioredis'
import { ConfigError } from '../../../config/config-error.js'
import { redisServers } from '../../../config/redis-urls.js'
import { connectTo, readAuthorities } from '../../../state/redis/client.js'
import { adviceOn, isReply, reasonOf } from '../../../state/redis/reasons.js'
import { maxClockDifferenceMs, policyOf } from '../../../state/redis/warnings.js'
import { type Check, failure, type Finding, ok, skipped, warning } from '../check.js'
import type { Host } from './host.js'
import { isAtLeast } from './machine.js'

const group = 'Redis'

/** How long Redis may take to be there. In ms. */
const patienceMs = 3_000
const retryMs = 50
/** Every join waits for one or two. In ms. */
const slowRoundTripMs = 20
const rounds = 20

export const redisChecks: ReadonlyArray<Check<Host>> = [
  { group, name: 'reachable', after: 'settings', run: async (host) => await connect(host) },
  {
    group,
    name: 'version',
    after: 'reachable',
    run: async (host) => await withRedis(host, async (server, { isCluster }) => judgeVersion(await server.info('server'), isCluster))
  },
  {
    group,
    name: 'writable',
    after: 'reachable',
    run: async (host) => await withRedis(host, async (_server, { client }) => {
      const key = `sb:doctor:${randomUUID()}`
      await client.set(key, 'x', 'PX', patienceMs)
      await client.del(key)
      return ok('keys can be written')
    })
  },
  {
    group,
    name: 'eviction',
    after: 'reachable',
    run: async (host) => await withRedis(host, async (server) => {
      const policy = await policyOf(server)
      if (policy === 'noeviction') return ok('a full Redis deletes nothing')
      return warning(`a full Redis deletes peers, rooms and mail: its maxmemory-policy is ${policy}`,
        'redis-cli CONFIG SET maxmemory-policy noeviction    # and in redis.conf: maxmemory-policy noeviction')
    })
  },
  {
    group,
    name: 'round trip',
    after: 'reachable',
    run: async (host) => await withRedis(host, async (server) => {
      const times: number[] = []
      for (let round = 0; round < rounds; round++) {
        const sentAt = performance.now()
        await server.ping()
        times.push(performance.now() - sentAt)
      }
      return judgeRoundTrip(times.sort((one, other) => one - other)[rounds / 2] ?? 0)
    })
  },
  {
    group,
    name: 'clock',
    after: 'reachable',
    run: async (host) => await withRedis(host, async (server) => {
      const askedAt = Date.now()
      const [seconds, microseconds] = (await server.time()).map(Number)
      return judgeClock((seconds ?? 0) * 1000 + (microseconds ?? 0) / 1000, askedAt, Date.now())
    })
  }
]

async function connect (host: Host): Promise<Finding> {
  const { settings: { REDIS_URL, REDIS_CA } } = host
  if (REDIS_URL === undefined) return skipped('no REDIS_URL: one node, in memory')
  let failed = 'no answer in time'
  let authorities: string | undefined
  try {
    authorities = REDIS_CA === undefined ? undefined : readAuthorities(REDIS_CA)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return failure(error.message, 'REDIS_CA=/etc/ssl/redis-ca.pem')
  }
  const client = connectTo(redisServers(REDIS_URL), { authorities, onError: (reason) => { failed = reason } })
  host.redis = client
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline) {
    try {
      await client.ping()
      return ok('it answers')
    } catch (error) {
      // While there is no connection, the reason is told to `onError`.
      if (isReply(error)) failed = reasonOf(error)
      await delay(retryMs)
    }
  }
  return failure(`REDIS_URL: ${failed}`, `${adviceOn(failed)}\nREDIS_URL=redis://user:password@host:6379`)
}

interface Connected {
  readonly client: Redis | Cluster
  readonly isCluster: boolean
}

/** Asks the server, or the first master of a cluster. What Redis refuses is a finding. */
async function withRedis (
  { redis: client }: Host, ask: (server: Redis, connected: Connected) => Promise<Finding>
): Promise<Finding | Finding[]> {
  if (client === undefined) return []
  const isCluster = client instanceof Cluster
  const server = client instanceof Cluster ? client.nodes('master')[0] : client
  if (server === undefined) return failure('no master of the cluster is known', 'redis-cli --cluster check HOST:PORT')
  try {
    return await ask(server, { client, isCluster })
  } catch (error) {
    const reason = reasonOf(error)
    return failure(`Redis answers ${reason}`, adviceOn(reason))
  }
}

/** @param info what `INFO server` answers */
export function judgeVersion (info: string, isCluster: boolean): Finding {
  const [, valkey] = /^valkey_version:(\S+)/m.exec(info) ?? []
  const [, redis = ''] = /^redis_version:(\S+)/m.exec(info) ?? []
  const wanted = isCluster ? '7.0' : '6.2'
  if (valkey !== undefined) return ok(`Valkey ${valkey}`)
  if (isAtLeast(redis, wanted)) return ok(`Redis ${redis}`)
  return failure(`Redis ${redis} is too old: ${wanted} or newer is needed`, 'apt-get install redis-server    # or: docker run redis:8')
}

/** @param ms half of the round trips took less */
export function judgeRoundTrip (ms: number): Finding {
  if (ms <= slowRoundTripMs) return ok(`${ms.toFixed(1)} ms`)
  return warning(`${ms.toFixed(1)} ms, for which every join and every signal to another node waits`,
    'redis-cli --latency -h HOST    # put Redis into the same network')
}

/** @param ofRedis the time of day by Redis, read between two moments of ours. In ms since the epoch */
export function judgeClock (ofRedis: number, askedAt: number, now: number): Finding {
  const differenceMs = Math.max(askedAt - ofRedis, ofRedis - now)
  if (differenceMs <= maxClockDifferenceMs) return ok('as on this host')
  const seconds = Math.round(differenceMs / 1000)
  return warning(`this host’s clock differs from that of Redis by ${seconds} s: tokens and TURN credentials end early or late`,
    'timedatectl set-ntp true    # on both')
}
