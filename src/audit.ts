import { type BaseLogger, type Level, pino } from 'pino'
import { type Config, ConfigError } from './config.js'
import { type LogStream, logStream } from './log-stream.js'

/** What happened to a connection. The names are stable: whoever collects the trail may rely on them. */
export type AuditEvent =
  | 'connect' | 'register' | 'relay' | 'refused'
  // How a connection ends, one for each.
  | 'leave' | 'takeover' | 'kicked' | 'drained'

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
  /** Refusals of which no record was written since the last one. */
  readonly omitted?: number | undefined
}

/** The audit trail: a stream of pino. A relay is a `debug` record, everything else `info`. */
export interface Audit {
  info (record: AuditRecord): void
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
export function openAudit ({ AUDIT_LOG, LOG_LEVEL }: Pick<Config, 'AUDIT_LOG' | 'LOG_LEVEL'>, log: Pick<BaseLogger, 'level' | 'info' | 'debug' | 'error'>): Audit {
  if (AUDIT_LOG === undefined) {
    return { info: (record) => log.info(record), debug: (record) => log.debug(record), isLevelEnabled: (level) => isEnabled(log.level, level), close () {} }
  }
  const file = fileOf(AUDIT_LOG, log)
  const trail = pino({ level: LOG_LEVEL === 'debug' || LOG_LEVEL === 'trace' ? 'debug' : 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime }, file)
  let isOpen = true
  return {
    info (record) { if (isOpen) trail.info(record) },
    debug (record) { if (isOpen) trail.debug(record) },
    isLevelEnabled: (level) => trail.isLevelEnabled(level),
    close () {
      isOpen = false
      file.end()
    }
  }
}

function fileOf (path: string, log: Pick<BaseLogger, 'error'>): LogStream {
  try {
    return logStream(path, (error) => log.error({ reason: error.message }, 'the audit trail cannot be written'))
  } catch (error) {
    throw new ConfigError(`AUDIT_LOG: got ${JSON.stringify(path)}, which cannot be written: ${(error as NodeJS.ErrnoException).code ?? 'failed'}`)
  }
}

function isEnabled (own: string, level: Level): boolean {
  const { values } = pino.levels
  return (values[own] ?? Infinity) <= (values[level] ?? 0)
}
