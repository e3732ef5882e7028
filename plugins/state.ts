import cluster from 'node:cluster'
import type { FastifyBaseLogger } from 'fastify'
import type { Cluster, Redis } from 'ioredis'
import type { Config } from '../src/config/schema.js'
import type { State } from '../src/state/contract.js'
import { memoryState } from '../src/state/memory/state.js'
import { auditRelays } from '../src/state/relay-audit.js'
import type { Audit } from '../src/telemetry/audit.js'
import type { Timers } from '../src/timing/timers.js'

declare module 'fastify' {
  interface FastifyInstance { state: State }
}

interface StateHost {
  readonly timers: Timers
  readonly log: FastifyBaseLogger
  readonly audit: Audit
}

export interface OpenedState {
  readonly state: State
  /** Its connection for commands, with `REDIS_URL`. */
  readonly redis: Redis | Cluster | undefined
}

/**
 * Opens the state: who is connected, and how to reach them. It is in memory, or in Redis, whose code is loaded only then.
 *
 * @throws ConfigError for a `REDIS_URL` that no Redis can have, or a `REDIS_CA` that is none
 */
export async function openState (config: Config, { timers, log, audit }: StateHost): Promise<OpenedState> {
  const { REDIS_URL: urls, REDIS_CA: authority } = config
  const { NODE_LEASE_MS: leaseMs, MAX_ROOMS_PER_CLIENT: maxRoomsPerClient, ID_PROBE_MS: probeMs } = config
  const mailboxes = {
    maxMessages: config.MAILBOX_MAX_MESSAGES,
    maxBytes: config.MAILBOX_MAX_BYTES,
    totalBytes: config.MAILBOX_TOTAL_BYTES
  }
  if (urls === undefined && isOneOfSeveral()) {
    log.warn('this process is a worker beside others: without REDIS_URL the peers of two workers never meet')
  }
  if (urls === undefined) return audited({ state: memoryState(timers, mailboxes, maxRoomsPerClient), redis: undefined }, audit)
  const { redisState } = await import('../src/state/redis/state.js')
  const state = await redisState({
    urls, ...(authority !== undefined && { authority }), leaseMs, mailboxes, maxRoomsPerClient, probeMs, timers, log
  })
  return audited({ state, redis: state.link.client }, audit)
}

/** Whether a cluster of Node, or pm2, runs more such processes. pm2 says so of a single one in fork mode, too, and how many there are. */
function isOneOfSeveral ({ NODE_APP_INSTANCE, pm_id: pm2Id, instances, exec_mode: mode } = process.env): boolean {
  if (cluster.isWorker) return true
  const isAlone = mode === 'fork_mode' && (instances ?? '1') === '1'
  return (NODE_APP_INSTANCE ?? pm2Id ?? '') !== '' && !isAlone
}

function audited (opened: OpenedState, audit: Audit): OpenedState {
  if (audit.isLevelEnabled('debug')) auditRelays(opened.state, audit)
  return opened
}
