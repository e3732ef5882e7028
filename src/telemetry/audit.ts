import { statSync } from 'node:fs'
import { type BaseLogger, type Level, pino } from 'pino'
import { clipAddress } from '../net/address.js'
import { ConfigError } from '../config/config-error.js'
import type { Config } from '../config/schema.js'
import { type LogStream, logStream } from './log-stream.js'
import { TokenRate, TokenBucket } from '../limits/token-bucket.js'

/** Records that a client can cause at will: at once, and then a second. An attack must not fill the disk. */
const oftenBurst = 500
const oftenRate = 50

/** The mode bits with which every user may read or write a file. */
const othersBits = 0o006

/** What happened to a connection. The names are stable. */
export type AuditEvent =
  | 'connect' | 'register' | 'relay' | 'refused'
  // A call of a peer of another dialect has reached the client.
  | 'bridged'
  // An administrator follows a peer's frames.
  | 'traced'
  // How a connection ends: exactly one of these for each.
  | 'leave' | 'ended' | 'takeover' | 'kicked' | 'drained'

/** Why a client was not let in, or may not do what it asked. */
export type RefusalReason =
  | 'origin' | 'connect_rate' | 'pressure' | 'draining' | 'max_clients' | 'max_clients_per_address' | 'unauthorized'
  | 'not_allowed' | 'too_many_attempts' | 'id_taken'
  // For HTTP: malformed, nothing to upgrade to, too slow, too many requests on one connection.
  | 'bad_request' | 'not_found' | 'timeout' | 'pipelining'
  // For a balancer's connection: without the header of PROXY_PROTOCOL.
  | 'proxy_header'

/** An event, and the client it happened to. Never a payload, a token or a query. */
export interface AuditRecord {
  readonly event: AuditEvent
  readonly dialect?: string | undefined
  readonly id?: string | undefined
  readonly subject?: string | undefined
  readonly address?: string | undefined
  readonly room?: string | undefined
  /** The receiver of a relay. Absent for a broadcast. Of a call between dialects, both peers by their qualified ids, and what it is. */
  readonly to?: string | undefined
  readonly from?: string | undefined
  readonly kind?: 'media' | 'data' | undefined
  /** The close code, and its reason. */
  readonly code?: number | undefined
  readonly reason?: string | undefined
  /** The subject of the administrator who asked for it; in the console, without auth, the address. */
  readonly by?: string | undefined
  /** Records of this event that were left out since the last one. */
  readonly omitted?: number | undefined
}

/** The audit trail: a stream of pino. A relay is a `debug` record, everything else `info`. */
export interface Audit {
  info (record: AuditRecord): void
  /** The same for events that a client can cause at will. Beyond a rate for each event, one record stands for many. */
  often (record: AuditRecord): void
  debug (record: AuditRecord): void
  isLevelEnabled (level: Level): boolean
  /** Told of every `info` record while somebody looks. */
  onRecord?: ((record: AuditRecord) => void) | undefined
  /** Writes the counts of omitted records, and ends the trail. */
  close (): void
}

/**
 * Opens the trail: in the log, or in the file of `AUDIT_LOG`, whatever the log's level.
 *
 * @param now a monotonic clock, in ms
 * @throws ConfigError for a file that cannot be written
 */
export function openAudit (
  { AUDIT_LOG, LOG_LEVEL }: Pick<Config, 'AUDIT_LOG' | 'LOG_LEVEL'>,
  log: Pick<BaseLogger, 'level' | 'info' | 'debug' | 'warn' | 'error'>,
  now: () => number = () => performance.now()
): Audit {
  if (AUDIT_LOG === undefined) return auditTo(log, (level) => isEnabled(log.level, level), now)
  const file = openFile(AUDIT_LOG, log)
  const level = LOG_LEVEL === 'debug' || LOG_LEVEL === 'trace' ? 'debug' : 'info'
  const trail = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, file)
  return auditTo(trail, (level) => trail.isLevelEnabled(level), now, () => file.end())
}

function auditTo (
  trail: Pick<BaseLogger, 'info' | 'debug'>,
  isLevelEnabled: Audit['isLevelEnabled'],
  now: () => number,
  end = () => {}
): Audit {
  const rates = new Map<AuditEvent, { readonly bucket: TokenBucket, omitted: number }>()
  let isOpen = true
  const audit: Audit = {
    info (record) {
      if (!isOpen) return
      const kept = clipped(record)
      trail.info(kept)
      audit.onRecord?.(kept)
    },
    often (record) {
      const { event } = record
      const rate = rates.get(event) ?? { bucket: new TokenBucket(new TokenRate(oftenRate, oftenBurst)), omitted: 0 }
      rates.set(event, rate)
      if (!rate.bucket.take(now())) {
        rate.omitted++
        return
      }
      audit.info(rate.omitted === 0 ? record : { ...record, omitted: rate.omitted })
      rate.omitted = 0
    },
    debug (record) { if (isOpen) trail.debug(clipped(record)) },
    isLevelEnabled,
    close () {
      if (!isOpen) return
      for (const [event, { omitted }] of rates) if (omitted > 0) audit.info({ event, omitted })
      isOpen = false
      end()
    }
  }
  return audit
}

/** A proxy may report any text as an address. */
function clipped (record: AuditRecord): AuditRecord {
  const address = record.address && clipAddress(record.address)
  return address === record.address ? record : { ...record, address }
}

function openFile (path: string, log: Pick<BaseLogger, 'warn' | 'error'>): LogStream {
  const onError = (error: Error) => log.error({ reason: error.message }, 'the audit trail cannot be written')
  const describeLoss = (lines: number) => JSON.stringify({
    level: 40, time: new Date().toISOString(), lines, msg: 'records were lost: they could not be written in time'
  })
  try {
    const stream = logStream({ path, onError, describeLoss })
    const stats = statSync(path)
    // The file existed before, perhaps like this on purpose.
    if (stats.isFile() && (stats.mode & othersBits) !== 0) log.warn('AUDIT_LOG: every user of this machine can read or write the file')
    return stream
  } catch (error) {
    throw new ConfigError(`AUDIT_LOG: cannot write to ${JSON.stringify(path)} (${(error as NodeJS.ErrnoException).code ?? 'failed'})`)
  }
}

function isEnabled (own: string, level: Level): boolean {
  const { values } = pino.levels
  return (values[own] ?? Infinity) <= (values[level] ?? 0)
}
