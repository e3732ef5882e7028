import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Cluster, Redis } from 'ioredis'
import { ConfigError } from '../../config/config-error.js'
import type { RedisAddress, RedisServers } from '../../config/redis-urls.js'
import { reasonOf } from './reasons.js'
import { scriptsFor } from './scripts/index.js'

/** Timeout of our commands and of connecting. In ms. */
export const commandTimeoutMs = 1_000
/** ioredis's own timeout, for commands that we do not guard: its handshake, and the rate limiter that shares the connection. In ms. */
const clientTimeoutMs = 3_000
const retryMs = 250

const common = {
  connectTimeout: commandTimeoutMs,
  commandTimeout: clientTimeoutMs,
  // Cuts an abandoned connection that does not close.
  disconnectTimeout: retryMs,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  // It asks INFO, which an ACL may forbid, and waits in silence while Redis loads its data. Our probe asks for more.
  enableReadyCheck: false
}

export interface ClientOptions {
  /** PEM text of the authorities to trust in place of the well-known ones. */
  readonly authorities?: string | undefined
  /** Called with a reason that contains no password. */
  readonly onError: (reason: string) => void
}

/** Connects to Redis, or to a Redis Cluster. Commands fail at once while there is no connection. */
export function connectTo (servers: RedisServers, options: ClientOptions): Redis | Cluster {
  const client = servers.kind === 'cluster'
    ? connectToCluster(servers, options)
    : connectToOne(servers, options, { enableOfflineQueue: false, retryStrategy: () => retryMs, scripts: scriptsFor('PUBLISH') })
  // An unresolvable host name of a cluster is reported nowhere else.
  if (client instanceof Cluster) client.connect().catch((error: unknown) => options.onError(reasonOf(error)))
  return reporting(client, options)
}

/**
 * Connects once for subscriptions, to Redis or to a master of the cluster. Commands are queued until it is connected.
 *
 * @param master as the cluster's client knows it
 */
export function connectToListen (servers: RedisServers, options: ClientOptions, master?: Redis): Redis {
  const listening = { enableOfflineQueue: true, lazyConnect: false, retryStrategy: () => null }
  return reporting(master?.duplicate(listening) ?? connectToOne(servers, options, listening), options)
}

function reporting<T extends Redis | Cluster> (client: T, { onError }: ClientOptions): T {
  client.on('error', (error: Error & { command?: { name: string } }) => {
    onError(reasonOf(error))
    // After a failed SELECT it would use database 0, which is not ours.
    if (error.command?.name === 'select') client.disconnect(true)
  })
  return client
}

interface Manner {
  readonly enableOfflineQueue: boolean
  readonly retryStrategy: () => number | null
  readonly scripts?: ReturnType<typeof scriptsFor>
}

function connectToOne (servers: RedisServers, { authorities }: ClientOptions, manner: Manner): Redis {
  const { kind, addresses, db } = servers
  const [address] = addresses
  return new Redis({
    ...common,
    ...credentialsOf(servers, authorities),
    ...(kind === 'sentinels' ? sentinelsOf(servers, authorities, manner.retryStrategy) : address),
    db,
    ...manner
  })
}

function sentinelsOf (
  { addresses, master, sentinelUsername, sentinelPassword, isTls }: RedisServers,
  authorities: string | undefined,
  retry: () => number | null
) {
  return {
    sentinels: addresses.flatMap((address) => 'path' in address ? [] : [{ ...address }]),
    name: master ?? '',
    sentinelRetryStrategy: retry,
    sentinelCommandTimeout: commandTimeoutMs,
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(isTls && { sentinelTLS: tlsOf(authorities), enableTLSForSentinelMode: true })
  }
}

function connectToCluster (servers: RedisServers, { authorities }: ClientOptions): Cluster {
  return new Cluster(servers.addresses.map((address) => ({ ...(address as Exclude<RedisAddress, { path: string }>) })), {
    redisOptions: { ...common, ...credentialsOf(servers, authorities) },
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    // Already batched by the outbox.
    autoPipeliningIgnoredCommands: ['send'],
    clusterRetryStrategy: () => retryMs,
    scripts: scriptsFor('SPUBLISH'),
    slotsRefreshTimeout: commandTimeoutMs,
    // A late frame is worse than an error.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Certificates name hosts, not addresses.
    ...(servers.isTls && { dnsLookup: (host, done) => done(null, host) })
  })
}

/** The credentials for all servers, including nodes of a cluster that no URL names. */
function credentialsOf ({ username, password, family, isTls }: RedisServers, authorities: string | undefined) {
  return {
    family,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(isTls && { tls: tlsOf(authorities) })
  }
}

function tlsOf (authorities: string | undefined) {
  return authorities === undefined ? {} : { ca: authorities }
}

/**
 * The PEM text of `REDIS_CA`, which is that text or the path of a file.
 *
 * @throws ConfigError for what is neither
 */
export function readAuthorities (setting: string): string {
  let pem = setting
  if (!setting.includes('-----BEGIN ')) {
    try {
      pem = readFileSync(setting, 'utf8')
    } catch {
      throw badAuthorities('cannot read the file')
    }
  }
  // Some tools put a variable on one line.
  pem = pem.replaceAll('\\n', '\n')
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (certificates.length === 0 || !certificates.every(isCertificate)) throw badAuthorities('not a certificate')
  return certificates.join('\n')
}

function isCertificate (pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

function badAuthorities (problem: string): ConfigError {
  return new ConfigError(`REDIS_CA: ${problem}, expected certificates as PEM text, or the path of a PEM file`)
}
