import { Cluster, Redis } from 'ioredis'
import { ConfigError } from '../../config/config-error.js'
import { scriptsFor } from './scripts/index.js'

/** How long a connection may take, and nothing of ours waits longer for an answer. In ms. */
export const commandTimeoutMs = 1_000
/** ioredis's own timeout, for commands that we do not guard: its handshake, and the rate limiter that shares the connection. In ms. */
const clientTimeoutMs = 3_000
const retryMs = 250

/** All that the client of a cluster says about a node that refused the connection. */
const closedMessage = 'Connection is closed.'

const common = {
  connectTimeout: commandTimeoutMs,
  commandTimeout: clientTimeoutMs,
  // A connection that is given up but does not close is cut.
  disconnectTimeout: retryMs,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false
}

export interface ClientOptions {
  /** For subscriptions: it subscribes as soon as it is connected, and is not used again once it has ended. */
  readonly isListening: boolean
  /** Called with a reason that holds no password. */
  readonly onError: (reason: string) => void
}

/** One connection to Redis, or to a Redis Cluster if there are several URLs. Commands fail at once while it is not connected. */
export function connectTo (urls: readonly string[], { isListening, onError }: ClientOptions): Redis | Cluster {
  return urls.length > 1 ? connectToCluster(urls, isListening, onError) : connectToOne(urls[0] as string, isListening, onError)
}

function connectToOne (url: string, isListening: boolean, onError: ClientOptions['onError']): Redis {
  const scripts = isListening ? {} : scriptsFor('PUBLISH')
  const client = new Redis(url, { ...common, enableOfflineQueue: isListening, retryStrategy: () => isListening ? null : retryMs, scripts })
  return withErrors(client, onError)
}

function connectToCluster (urls: readonly string[], isListening: boolean, onError: ClientOptions['onError']): Cluster {
  const [first = ''] = urls
  const client = withErrors(new Cluster([...urls], {
    redisOptions: { ...common, ...credentialsOf(first) },
    lazyConnect: true,
    enableOfflineQueue: isListening,
    enableAutoPipelining: !isListening,
    // These have been gathered already.
    autoPipeliningIgnoredCommands: ['send'],
    clusterRetryStrategy: () => isListening ? null : retryMs,
    scripts: isListening ? {} : scriptsFor('SPUBLISH'),
    shardedSubscribers: isListening,
    slotsRefreshTimeout: commandTimeoutMs,
    // A late signal is worse than an error.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // A certificate names hosts, not addresses.
    ...(first.startsWith('rediss:') && { dnsLookup: (host, done) => done(null, host) })
  }), onError)
  // A name that cannot be resolved is reported nowhere else.
  client.connect().catch((error: unknown) => onError(reasonOf(error)))
  return client
}

function withErrors<Client extends Redis | Cluster> (client: Client, onError: ClientOptions['onError']): Client {
  client.on('error', (error: Error & { command?: { name: string } }) => {
    onError(reasonOf(error))
    // Without its SELECT it would go on in database 0, which is not ours.
    if (error.command?.name === 'select') client.disconnect(true)
  })
  return client
}

/**
 * Checks the URLs of `REDIS_URL`. Messages do not hold the URL, which may hold a password.
 *
 * @throws ConfigError for URLs that no Redis can have
 */
export function checkUrls (urls: readonly string[]): void {
  const databases = urls.map((url) => {
    try {
      const { pathname, username, password } = new URL(url)
      decodeURIComponent(username + password)
      return pathname.slice(1)
    } catch {
      throw new ConfigError('REDIS_URL: got what is not a URL, takes redis://user:password@host:port, with special characters of the password as %XX')
    }
  })
  if (databases.some((database) => !/^\d*$/.test(database))) throw new ConfigError('REDIS_URL: got a path that is not the number of a database')
  if (urls.length > 1 && databases.some((database) => Number(database) !== 0)) throw new ConfigError('REDIS_URL: got a database for one of several URLs, but a Redis Cluster has database 0 only')
}

/** The credentials for all nodes of a cluster, also for those that no URL names. */
function credentialsOf (url: string) {
  const { protocol, username, password } = new URL(url)
  return {
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} })
  }
}

/** Whether Redis itself answered with the error, rather than the connection failing. */
export function isReply (error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** The reason of an error, in words. Its other fields may hold what was sent, such as a password. */
export function reasonOf (error: unknown): string {
  const { message, code, errors, lastNodeError } = error as Error & { code?: string, errors?: Error[], lastNodeError?: Error }
  const inner = lastNodeError ?? errors?.[0]
  if (inner !== undefined) return inner.message === closedMessage ? 'no node of the cluster can be reached' : reasonOf(inner)
  return message || String(code)
}
