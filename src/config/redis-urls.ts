import { ConfigError, invalidValue } from './config-error.js'

/** The address of one server: a host, or the path of a Unix socket. */
export type RedisAddress = { readonly host: string, readonly port: number } | { readonly path: string }

/** Where Redis is, and how to get in, as `REDIS_URL` says. */
export interface RedisServers {
  readonly kind: 'one' | 'cluster' | 'sentinels'
  /** The server, nodes of the cluster, or sentinels. */
  readonly addresses: readonly RedisAddress[]
  /** What the sentinels call the master. */
  readonly master?: string
  readonly username?: string
  readonly password?: string
  /** The credentials of the sentinels themselves. */
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
  /** The number of the database. */
  readonly db: number
  /** The IP version that host names are resolved to. 0 for either. */
  readonly family: 0 | 4 | 6
  readonly isTls: boolean
  /** Parts of the URLs, as written and decoded. None may be printed. */
  readonly secrets: readonly string[]
}

/** The scheme, the credentials, the hosts, the path, and the query. A password may hold an @. */
const form = /^(rediss?|rediss?-sentinel|redis\+unix):\/\/(?:([^/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/
const hostAndPort = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/
const defaultPorts = { server: 6379, sentinel: 26379 }

const escaping = 'with special characters of the password as %XX'
const forms = {
  one: `redis://user:password@host:port/database, ${escaping}`,
  sentinels: `redis-sentinel://user:password@host:port,host:port/name/database, ${escaping}`,
  socket: `redis+unix://user:password@/path?db=database, ${escaping}`
}
const options = 'no options but ?db=number&family=4|6, and with sentinels sentinelUsername and sentinelPassword'

class Unfit extends Error {}

/**
 * Reads `REDIS_URL`. Messages hide its value, which may contain a password.
 *
 * @throws ConfigError for URLs that no Redis can have
 */
export function redisServers (urls: readonly string[]): RedisServers {
  const expected = expectedOf(urls)
  if (typeof expected === 'string') throw new ConfigError(`REDIS_URL: ${invalidValue('(hidden)', expected)}`)
  return expected
}

/** What would be right instead; undefined for URLs that a Redis can have. */
export function redisUrlsExpected (urls: readonly string[]): string | undefined {
  const expected = expectedOf(urls)
  return typeof expected === 'string' ? expected : undefined
}

function expectedOf (urls: readonly string[]): RedisServers | string {
  try {
    return combine(urls.map(readUrl))
  } catch (error) {
    if (error instanceof Unfit) return error.message
    throw error
  }
}

function combine (each: readonly RedisServers[]): RedisServers {
  const [first] = each
  if (first === undefined) throw new Unfit(forms.one)
  if (each.length === 1) return first
  if (each.some(({ kind, addresses: [address] }) => kind !== 'one' || address === undefined || 'path' in address)) {
    throw new Unfit('several URLs of redis:// or rediss:// only, the nodes of a Redis Cluster')
  }
  if (each.some(({ db }) => db !== 0)) throw new Unfit('several URLs without a database, since a Redis Cluster has database 0 only')
  if (each.some(({ isTls }) => isTls !== first.isTls)) throw new Unfit('several URLs that all begin with redis://, or all with rediss://')
  const secrets = each.flatMap(({ secrets }) => secrets)
  return { ...first, kind: 'cluster', addresses: each.flatMap(({ addresses }) => addresses), secrets }
}

function readUrl (url: string): RedisServers {
  const [, scheme = '', credentials = '', hosts = '', path = '', query = ''] = form.exec(url) ?? []
  const isSocket = scheme === 'redis+unix'
  const isSentinel = scheme.endsWith('-sentinel')
  const expected = isSocket ? forms.socket : isSentinel ? forms.sentinels : forms.one
  if (scheme === '' || /\s/.test(url)) throw new Unfit(expected)
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text)
    } catch {
      throw new Unfit(expected)
    }
  }
  const colon = credentials.indexOf(':')
  const [username, password] = colon < 0 ? [credentials, ''] : [credentials.slice(0, colon), credentials.slice(colon + 1)]
  const asked = readQuery(query, { isSocket, isSentinel })
  const where = isSocket ? socketOf(hosts, decode(path)) : isSentinel ? sentinelsOf(hosts, path, decode) : serverOf(hosts, path)
  if (where.database !== '' && asked.db !== undefined) throw new Unfit('a database in the path or as ?db=, not both')
  const known = {
    ...(username !== '' && { username: decode(username) }),
    ...(password !== '' && { password: decode(password) }),
    ...(asked.sentinelUsername !== undefined && { sentinelUsername: asked.sentinelUsername }),
    ...(asked.sentinelPassword !== undefined && { sentinelPassword: asked.sentinelPassword }),
    ...(where.master !== undefined && { master: where.master })
  }
  const addresses = where.addresses.map((address) => 'path' in address ? address.path : address.host)
  const secrets = [url, credentials, username, password, hosts, ...Object.values(known), ...addresses]
  return {
    ...known,
    kind: isSentinel ? 'sentinels' : 'one',
    addresses: where.addresses,
    db: Number(asked.db ?? where.database),
    family: asked.family ?? 0,
    isTls: scheme.startsWith('rediss'),
    secrets: [...new Set(secrets)].filter((part) => part !== '')
  }
}

interface Where {
  readonly addresses: readonly RedisAddress[]
  readonly database: string
  readonly master?: string
}

function serverOf (host: string, path: string): Where {
  const addresses = [addressOf(host, defaultPorts.server, forms.one)]
  const [, database] = /^\/?(\d*)$/.exec(path) ?? []
  if (database === undefined) throw new Unfit('redis://user:password@host:port/database, with the number of a database')
  return { addresses, database }
}

function sentinelsOf (hosts: string, path: string, decode: (text: string) => string): Where {
  const [, master, database = ''] = /^\/([^/]+)(?:\/(\d*))?$/.exec(path) ?? []
  if (master === undefined) throw new Unfit(forms.sentinels)
  const addresses = hosts.split(',').map((host) => addressOf(host, defaultPorts.sentinel, forms.sentinels))
  return { addresses, database, master: decode(master) }
}

function socketOf (host: string, path: string): Where {
  if (host !== '' || path.length < 2) throw new Unfit(forms.socket)
  return { addresses: [{ path }], database: '' }
}

function addressOf (text: string, defaultPort: number, expected: string): RedisAddress {
  const [, host = '', port = String(defaultPort)] = hostAndPort.exec(text) ?? []
  if (!URL.canParse(`http://${host}:${port}`) || host.includes(',') || Number(port) === 0) throw new Unfit(expected)
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

interface Query {
  readonly db?: string
  readonly family?: 0 | 4 | 6
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
}

/** What ioredis understands in a query, as far as it makes sense here. The rest would change what we rely on. */
function readQuery (query: string, { isSocket, isSentinel }: { isSocket: boolean, isSentinel: boolean }): Query {
  const given = [...new URLSearchParams(query.replaceAll('+', '%2B'))]
  const fits: Record<string, boolean> = { db: true, family: !isSocket, sentinelUsername: isSentinel, sentinelPassword: isSentinel }
  const values = Object.fromEntries(given)
  const { db, family } = values
  if (given.length !== Object.keys(values).length || given.some(([name]) => fits[name] !== true)) throw new Unfit(options)
  if (db !== undefined && !/^\d+$/.test(db)) throw new Unfit(options)
  if (family !== undefined && !/^[046]$/.test(family)) throw new Unfit(options)
  return { ...values, ...(family !== undefined && { family: Number(family) as 0 | 4 | 6 }) } as Query
}
