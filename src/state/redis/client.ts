import { Cluster, Redis } from 'ioredis'
import { ConfigError, invalidValue } from '../../config/config-error.js'
import { scriptsFor } from './scripts/index.js'

/** Timeout of our commands and of connecting. In ms. */
export const commandTimeoutMs = 1_000
/** ioredis's own timeout, for commands that we do not guard: its handshake, and the rate limiter that shares the connection. In ms. */
const clientTimeoutMs = 3_000
const retryMs = 250

/** The only message of ioredis for a cluster node that refused the connection. */
const closedMessage = 'Connection is closed.'

const common = {
  connectTimeout: commandTimeoutMs,
  commandTimeout: clientTimeoutMs,
  // Cuts an abandoned connection that does not close.
  disconnectTimeout: retryMs,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false
}

export interface ClientOptions {
  /** For subscriptions. It queues commands until it is connected, and does not reconnect. */
  readonly isListening: boolean
  /** Called with a reason that contains no password. */
  readonly onError: (reason: string) => void
}

/** Connects to Redis, or to a Redis Cluster if there are several URLs. Commands fail at once while there is no connection. */
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
    // Already batched by the outbox.
    autoPipeliningIgnoredCommands: ['send'],
    clusterRetryStrategy: () => isListening ? null : retryMs,
    scripts: isListening ? {} : scriptsFor('SPUBLISH'),
    shardedSubscribers: isListening,
    slotsRefreshTimeout: commandTimeoutMs,
    // A late frame is worse than an error.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Certificates name hosts, not addresses.
    ...(first.startsWith('rediss:') && { dnsLookup: (host, done) => done(null, host) })
  }), onError)
  // An unresolvable host name is reported nowhere else.
  client.connect().catch((error: unknown) => onError(reasonOf(error)))
  return client
}

function withErrors<Client extends Redis | Cluster> (client: Client, onError: ClientOptions['onError']): Client {
  client.on('error', (error: Error & { command?: { name: string } }) => {
    onError(reasonOf(error))
    // After a failed SELECT it would use database 0, which is not ours.
    if (error.command?.name === 'select') client.disconnect(true)
  })
  return client
}

function invalidUrl (expected: string): ConfigError {
  return new ConfigError(`REDIS_URL: ${invalidValue('(hidden)', expected)}`)
}

/**
 * Checks the URLs of `REDIS_URL`. Messages hide the URL, which may contain a password.
 *
 * @throws ConfigError for an invalid URL
 */
export function checkUrls (urls: readonly string[]): void {
  const databases = urls.map((url) => {
    try {
      const { pathname, username, password } = new URL(url)
      decodeURIComponent(username + password)
      return pathname.slice(1)
    } catch {
      throw invalidUrl('redis://user:password@host:port, with special characters of the password as %XX')
    }
  })
  if (databases.some((database) => !/^\d*$/.test(database))) {
    throw invalidUrl('redis://user:password@host:port/database, with the number of a database')
  }
  if (urls.length > 1 && databases.some((database) => Number(database) !== 0)) {
    throw invalidUrl('several URLs without a database, since a Redis Cluster has database 0 only')
  }
}

/** The credentials for all nodes of a cluster, including nodes that no URL names. */
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

/** The reason for an error, for the log. Other fields of the error may contain the command, and so a password. */
export function reasonOf (error: unknown): string {
  const { message, code, errors, lastNodeError } = error as Error & { code?: string, errors?: Error[], lastNodeError?: Error }
  const inner = lastNodeError ?? errors?.[0]
  if (inner !== undefined) return inner.message === closedMessage ? 'no node of the cluster can be reached' : reasonOf(inner)
  return message || String(code)
}
