import { statSync } from 'node:fs'
import { type BaseLogger, type Level, pino } from 'pino'
import { clipAddress } from '../net/address.js'
import { ConfigError } from '../config/config-error.js'
import type { Config } from '../config/schema.js'
import { type LogStream, logStream } from './log-stream.js'
import { TokenRate, TokenBucket } from '../limits/token-bucket.js'

/** Of records that a client can cause at will, so many at once, and then so many a second: an attack must not fill the disk. */
const oftenBurst = 500
const oftenRate = 50

/** Those bits of a file's mode with which everybody may read or write it. */
const everybodys = 0o006

/** What happened to a connection. The names are stable: whoever collects the trail may rely on them. */
export type AuditEvent =
  | 'connect' | 'register' | 'relay' | 'refused'
  // How a connection ends, one for each.
  | 'leave' | 'takeover' | 'kicked' | 'drained'

/** Why a client was not let in, or not let do what it asked. */
export type RefusalReason =
  | 'origin' | 'connect_rate' | 'pressure' | 'draining' | 'max_clients' | 'max_clients_per_address' | 'unauthorized'
  | 'not_allowed' | 'too_many_attempts' | 'id_taken'
  // Of HTTP: what is no request, nothing to upgrade, too slow, or too many requests in one connection.
  | 'bad_request' | 'not_found' | 'timeout' | 'pipelining'

/** Who it happened to, and what is to be said of it: never a payload, a token or a query. */
export interface AuditRecord {
  readonly event: AuditEvent
  readonly dialect?: string | undefined
  readonly id?: string | undefined
  readonly subject?: string | undefined
  readonly address?: string | undefined
  readonly room?: string | undefined
  /** Of a relay: the receiver, unless it is everybody in the room. */
  readonly to?: string | undefined
  /** The close code, and the reason sent along with it. */
  readonly code?: number | undefined
  readonly reason?: string | undefined
  /** The subject of the administrator who asked for it. */
  readonly by?: string | undefined
  /** Records of this event that were not written since the last one. */
  readonly omitted?: number | undefined
}

/** The audit trail: a stream of pino. A relay is a `debug` record, everything else `info`. */
export interface Audit {
  info (record: AuditRecord): void
  /** The same for what a client can cause at will. Past a rate, of each event, one record stands for many. */
  often (record: AuditRecord): void
  debug (record: AuditRecord): void
  isLevelEnabled (level: Level): boolean
  /** Writes what is left. */
  close (): void
}

/**
 * The trail: in the log, or in the file that `AUDIT_LOG` names, whatever the log's level is.
 *
 * @throws ConfigError for a file that cannot be written
 */
export function openAudit ({ AUDIT_LOG, LOG_LEVEL }: Pick<Config, 'AUDIT_LOG' | 'LOG_LEVEL'>, log: Pick<BaseLogger, 'level' | 'info' | 'debug' | 'warn' | 'error'>): Audit {
  if (AUDIT_LOG === undefined) return auditTo(log, (level) => isEnabled(log.level, level))
  const file = fileOf(AUDIT_LOG, log)
  const trail = pino({ level: LOG_LEVEL === 'debug' || LOG_LEVEL === 'trace' ? 'debug' : 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime }, file)
  return auditTo(trail, (level) => trail.isLevelEnabled(level), () => file.end())
}

function auditTo (trail: Pick<BaseLogger, 'info' | 'debug'>, isLevelEnabled: Audit['isLevelEnabled'], end = () => {}): Audit {
  const throttles = new Map<AuditEvent, { readonly throttle: TokenBucket, omitted: number }>()
  let isOpen = true
  const audit: Audit = {
    info (record) { if (isOpen) trail.info(clipped(record)) },
    often (record) {
      const { event } = record
      const kept = throttles.get(event) ?? { throttle: new TokenBucket(new TokenRate(oftenRate, oftenBurst)), omitted: 0 }
      throttles.set(event, kept)
      if (!kept.throttle.take(performance.now())) {
        kept.omitted++
        return
      }
      audit.info(kept.omitted === 0 ? record : { ...record, omitted: kept.omitted })
      kept.omitted = 0
    },
    debug (record) { if (isOpen) trail.debug(clipped(record)) },
    isLevelEnabled,
    close () {
      if (!isOpen) return
      for (const [event, { omitted }] of throttles) if (omitted > 0) audit.info({ event, omitted })
      isOpen = false
      end()
    }
  }
  return audit
}

/** A proxy may report as an address whatever a client claims. */
function clipped (record: AuditRecord): AuditRecord {
  const address = record.address && clipAddress(record.address)
  return address === record.address ? record : { ...record, address }
}

function fileOf (path: string, log: Pick<BaseLogger, 'warn' | 'error'>): LogStream {
  const onError = (error: Error) => log.error({ reason: error.message }, 'the audit trail cannot be written')
  const describeLoss = (lines: number) => JSON.stringify({ level: 40, time: new Date().toISOString(), lines, msg: 'records were lost: they could not be written in time' })
  try {
    const stream = logStream({ path, onError, describeLoss })
    const stats = statSync(path)
    // It was there before, and whoever made it may have meant that.
    if (stats.isFile() && (stats.mode & everybodys) !== 0) log.warn('AUDIT_LOG: every user of this machine can read or write the file')
    return stream
  } catch (error) {
    throw new ConfigError(`AUDIT_LOG: cannot write to ${JSON.stringify(path)} (${(error as NodeJS.ErrnoException).code ?? 'failed'})`)
  }
}

function isEnabled (own: string, level: Level): boolean {
  const { values } = pino.levels
  return (values[own] ?? Infinity) <= (values[level] ?? 0)
}
