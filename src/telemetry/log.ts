import type { BaseLogger } from 'pino'

/** What the parts of the server write their log lines to: the app's own log. */
export type Log = Pick<BaseLogger, 'error' | 'warn' | 'info' | 'debug'>
